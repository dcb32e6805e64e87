"""Feature maps of linear attention, and the layer that uses them."""

from itertools import pairwise

import pytest
import torch
from expectation import assert_mean

import graphattn as ga
from graphattn.nn import MultiheadAttention, PerformerFeatures
from graphattn.nn.functional import elu_features

ORTHOGONAL = torch.tensor([[0.6, -0.6, 0.6, -0.6], [0.6, 0.6, -0.6, -0.6]])


def drawn(features, count):
    """The w_r of so many independent draws, `[count, m, D]`, float64."""
    torch.manual_seed(0)
    found = torch.empty(count, *features.projection.shape, dtype=torch.float64)
    for projection in found:
        features.redraw()
        projection.copy_(features.projection)
    return found


@pytest.mark.parametrize(
    ("q", "k", "biased"),  # the last: what LAPACK's signs gave
    [(torch.full((4,), 0.6), torch.full((4,), 0.6), 1.23), (*ORTHOGONAL, None), (ORTHOGONAL[0], -ORTHOGONAL[0], None)],
)
@pytest.mark.parametrize("num_features", [1, 4, 6])
def test_the_expectation_of_the_features_is_the_kernel_of_softmax(q, k, biased, num_features):
    q, k, features = q.double(), k.double(), PerformerFeatures(4, num_features)
    want = (q @ k / 2).exp()
    products = []
    for projection in drawn(features, 8000):
        features.projection = projection
        exponents = features._exponent(q), features._exponent(k)  # without the constants that cancel
        products.append((exponents[0] + exponents[1]).exp().mean())
    assert_mean(torch.stack(products), want, rather_than=biased if num_features > 1 else None)


@pytest.mark.parametrize(("head_dim", "num_features"), [(1, 2), (2, 1), (3, 5)])
def test_the_directions_are_gaussian(head_dim, num_features):
    w = drawn(PerformerFeatures(head_dim, num_features), 8000)
    one = torch.eye(head_dim, dtype=torch.float64).expand(num_features, -1, -1)
    assert_mean(w, 0.0)
    assert_mean(w.unsqueeze(-1) * w.unsqueeze(-2), one, rather_than=0 * one)
    assert_mean(w.pow(3), 0.0)
    assert_mean(w.pow(4), 3.0, rather_than=1.0)


def test_signs_that_favor_a_direction_are_found():
    """The test of the tests: QR by reflections, which LAPACK uses, makes the diagonal of Q negative."""
    w = drawn(PerformerFeatures(4, 4), 8000)
    w[:, range(4), range(4)] *= -w[:, range(4), range(4)].sign()
    with pytest.raises(AssertionError, match="standard errors"):
        assert_mean(w, 0.0)


def test_performer_features_estimate_softmax_attention():
    torch.manual_seed(0)
    q, k, v = torch.randn(6, 1, 8) / 2, torch.randn(7, 1, 8) / 2, torch.randn(7, 1, 4)
    want = ga.attention(q, k, v, ga.bipartite(6, 7))
    found = ga.attention(*PerformerFeatures(8, 100_000)(q, k), v, ga.bipartite(6, 7), normalize="linear")
    torch.testing.assert_close(found, want, atol=0.03, rtol=0)
    assert (want - v.mean(0)).abs().max() > 0.1  # which is what features that say nothing would give


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


def test_a_feature_map_needs_the_linear_normalizer():
    with pytest.raises(
        ValueError, match='feature_map needs score="dot" and normalize="linear", got "dot" and "softmax"'
    ):
        MultiheadAttention(12, 3, feature_map=elu_features)


def test_no_edge_features_beside_a_feature_map():
    layer = MultiheadAttention(12, 3, normalize="linear", feature_map=elu_features, edge_dim=2)
    with pytest.raises(ValueError, match="edge_attr cannot be combined with feature_map"):
        layer(torch.randn(3, 12), ga.complete(3), edge_attr=torch.randn(9, 2))
