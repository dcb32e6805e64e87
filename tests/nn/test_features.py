"""Feature maps of linear attention, and the layer that uses them."""

from itertools import pairwise

import pytest
import torch

import graphattn as ga
from graphattn.nn import MultiheadAttention, PerformerFeatures, elu_features


def test_performer_features_estimate_softmax_attention():
    torch.manual_seed(0)
    q, k, v = torch.randn(6, 1, 8) / 2, torch.randn(7, 1, 8) / 2, torch.randn(7, 1, 4)
    found = ga.attention(*PerformerFeatures(8, 4096)(q, k), v, ga.bipartite(6, 7), normalize="linear")
    torch.testing.assert_close(found, ga.attention(q, k, v, ga.bipartite(6, 7)), atol=0.1, rtol=0)


def test_features_are_positive_and_their_directions_orthogonal():
    features = PerformerFeatures(5, 8)
    x = torch.randn(7, 2, 5)
    assert all((phi > 0).all() and phi.shape == (7, 2, 8) for phi in features(x, x))
    for block in features.projection.split(5):
        directions = torch.nn.functional.normalize(block, dim=1)
        torch.testing.assert_close(directions @ directions.t(), torch.eye(len(block)), atol=1e-5, rtol=0)


def test_redraw_after_so_many_passes_in_training():
    features, x = PerformerFeatures(4, redraw_every=2), torch.randn(3, 1, 4)
    drawn = []
    for _ in range(5):
        features(x, x)
        drawn.append(features.projection.clone())
    same = [torch.equal(a, b) for a, b in pairwise(drawn)]
    assert same == [True, False, True, False]
    features.eval()
    for _ in range(5):
        features(x, x)
    assert torch.equal(features.projection, drawn[-1])


def test_large_inputs_stay_numbers():
    x = 100 * torch.randn(9, 2, 8)
    features = PerformerFeatures(8)
    assert ga.attention(*features(x, x), x, ga.causal(9), normalize="linear").isfinite().all()


def test_a_part_of_large_numbers_is_not_lost_beside_a_small_one():
    torch.manual_seed(0)
    layer = MultiheadAttention(32, 2, normalize="linear", feature_map=PerformerFeatures(16))
    large, small = 30 * torch.randn(20, 32), torch.randn(9, 32)
    together = layer(torch.cat([large, small]), ga.complete([20, 9]))
    torch.testing.assert_close(together[:20], layer(large, ga.complete(20)))
    torch.testing.assert_close(together[20:], layer(small, ga.complete(9)))


def test_no_nodes():
    x = torch.zeros(0, 2, 8)
    assert PerformerFeatures(8, 3)(x, x)[0].shape == (0, 2, 3)


@pytest.mark.parametrize("options", [{"head_dim": 0}, {"num_features": 0}, {"redraw_every": 0}])
def test_numbers_below_one(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        PerformerFeatures(**{"head_dim": 4, **options})


@pytest.mark.parametrize(
    "graph", [ga.complete(9), ga.causal(9), ga.window(9, 2), ga.Graph(torch.tensor([[0], [1]]), 9)]
)
@pytest.mark.parametrize("feature_map", [elu_features, PerformerFeatures(4)])
def test_layer(graph, feature_map):
    layer = MultiheadAttention(12, 3, normalize="linear", feature_map=feature_map)
    x = torch.randn(9, 12)
    q, k = feature_map(layer.q_proj(x).view(9, 3, 4), layer.k_proj(x).view(9, 3, 4))
    v = layer.v_proj(x).view(9, 3, 4)
    want = ga.attention(q, k, v, graph, normalize="linear", scale=1.0, backend="reference")
    torch.testing.assert_close(layer(x, graph), layer.out_proj(want.flatten(1)))


def test_a_feature_map_needs_the_linear_normaliser():
    with pytest.raises(
        ValueError, match='feature_map needs score="dot" and normalize="linear", got "dot" and "softmax"'
    ):
        MultiheadAttention(12, 3, feature_map=elu_features)


def test_no_edge_features_beside_a_feature_map():
    layer = MultiheadAttention(12, 3, normalize="linear", feature_map=elu_features, edge_dim=2)
    with pytest.raises(ValueError, match="edge_attr has no place beside a feature_map"):
        layer(torch.randn(3, 12), ga.complete(3), edge_attr=torch.randn(9, 2))
