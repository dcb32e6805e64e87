"""MultiheadAttention: each option by itself, symmetries, gradients and errors."""

import pytest
import torch
from expectation import assert_mean

import graphattn as ga
from graphattn.graph import graph as graph_module
from graphattn.nn import MultiheadAttention
from graphattn.testing import (
    assert_batch_equals_separate,
    assert_edge_order_invariant,
    assert_node_permutation_equivariant,
    zoo,
)

EMBED, HEADS, EDGE = 15, 3, 7
SCORES = ["dot", "cosine", "additive", "sum", "none"]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def randomized(layer):
    """In float64, with biases and sharpness that are not those of a new layer."""
    layer = layer.double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn_like(parameter) / 3)
    return layer


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


@pytest.mark.parametrize("edge_dim", [None, EDGE])
@pytest.mark.parametrize("score", SCORES)
def test_symmetries(score, edge_dim):
    graph = zoo()["unsorted"]
    layer = randomized(MultiheadAttention(EMBED, HEADS, score=score, edge_dim=edge_dim))
    x, attr = numbers(graph.num_nodes, EMBED), numbers(graph.num_edges, EDGE) if edge_dim else None

    def fn(x, graph, attr=None):
        return layer(x, graph, edge_attr=attr)

    assert_node_permutation_equivariant(fn, x, graph, attr)
    assert_edge_order_invariant(fn, x, graph, attr)
    small = zoo()["isolated_nodes"]
    cases = [(x, graph), (numbers(7, EMBED), small)]
    if edge_dim:
        cases = [(x, graph, attr), (*cases[1], numbers(3, EDGE))]
    assert_batch_equals_separate(fn, cases)


def test_shared_key_heads_are_smaller():
    layer = MultiheadAttention(12, 6, num_kv_heads=2)
    assert layer.q_proj.weight.shape == (12, 12)
    assert layer.k_proj.weight.shape == layer.v_proj.weight.shape == (4, 12)
    assert layer(torch.randn(5, 12), ga.complete(5)).shape == (5, 12)


def test_key_is_the_query_and_value_is_the_key_unless_given():
    layer = MultiheadAttention(EMBED, HEADS)
    graph = ga.window(5, radius=1)
    x, y = torch.randn(2, 5, EMBED)
    torch.testing.assert_close(layer(x, graph), layer(x, graph, x, x))
    torch.testing.assert_close(layer(x, graph, y), layer(x, graph, y, y))
    assert not torch.allclose(layer(x, graph, y), layer(x, graph, y, x))


@pytest.mark.parametrize("score", SCORES)
def test_a_bias_of_minus_infinity_takes_the_edge_away(score):
    graph = zoo()["unsorted"]
    layer = MultiheadAttention(EMBED, HEADS, score=score, edge_dim=EDGE)
    x, attr = torch.randn(graph.num_nodes, EMBED), torch.randn(graph.num_edges, EDGE)
    hidden = torch.rand(graph.num_edges) < 0.5
    bias = torch.zeros(graph.num_edges, HEADS).masked_fill(hidden.unsqueeze(1), -torch.inf)
    rest = ga.Graph(graph.edge_index[:, ~hidden], graph.num_nodes)
    out, weights = layer(x, graph, edge_attr=attr, edge_bias=bias, return_weights=True)
    want, rest_weights = layer(x, rest, edge_attr=attr[~hidden], return_weights=True)
    torch.testing.assert_close(out, want)
    torch.testing.assert_close(weights[~hidden], rest_weights)
    assert (weights[hidden] == 0).all()


def test_a_node_that_sees_nobody_gets_the_bias_of_the_output():
    layer = randomized(MultiheadAttention(EMBED, HEADS))
    out = layer(numbers(5, EMBED), zoo()["no_edges"])
    torch.testing.assert_close(out, layer.out_proj.bias.expand(5, -1))


def test_an_edge_index_serves_in_place_of_the_graph():
    layer, graph, query, key = (
        MultiheadAttention(EMBED, HEADS),
        zoo()["more_sources"],
        numbers(3, EMBED),
        numbers(11, EMBED),
    )
    layer = layer.double()
    torch.testing.assert_close(layer(query, graph.edge_index, key), layer(query, graph, key))


def test_an_edge_index_is_sorted_once_each_way_for_all_layers_and_steps(monkeypatch):
    pytest.importorskip("numba")
    sorts = []

    def counted(keys, *rest, compress=graph_module.compress):
        sorts.append(keys.numel())
        return compress(keys, *rest)

    monkeypatch.setattr(graph_module, "compress", counted)
    monkeypatch.setattr(graph_module, "native_for", lambda edges: None)  # compiled code sorts without `compress`
    layers, edge_index = [MultiheadAttention(EMBED, HEADS) for _ in range(3)], zoo()["unsorted"].edge_index
    for _ in range(2):
        x = torch.randn(13, EMBED)
        for layer in layers:
            x = layer(x, edge_index)
        x.sum().backward()
    assert sorts == [61, 61]  # by destination and by source


def test_normalizer():
    graph = zoo()["unsorted"]
    layer = MultiheadAttention(EMBED, HEADS, normalize="sigmoid")
    x = torch.randn(graph.num_nodes, EMBED)
    _, weights = layer(x, graph, return_weights=True)
    q, k = layer.q_proj(x).view(-1, HEADS, 5), layer.k_proj(x).view(-1, HEADS, 5)
    src, dst = graph.edge_index
    torch.testing.assert_close(weights, ((q[dst] * k[src]).sum(-1) / 5**0.5).sigmoid())


def test_dropout_in_training_only():
    graph = ga.complete(17)
    layer = MultiheadAttention(EMBED, HEADS, dropout=0.5)
    plain = MultiheadAttention(EMBED, HEADS)
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(17, EMBED)
    assert not torch.allclose(layer(x, graph), plain(x, graph))
    _, weights = layer(x, graph, return_weights=True)
    assert_mean((weights == 0).flatten(), 0.5, rather_than=0.25)
    torch.testing.assert_close(layer.eval()(x, graph), plain(x, graph))


@pytest.mark.parametrize("score", SCORES)
def test_state_dict_goes_into_another_layer(score):
    graph = ga.window(5, radius=1)
    options = {"score": score, "edge_dim": EDGE, "num_kv_heads": 1}
    first, second = (MultiheadAttention(EMBED, HEADS, **options) for _ in range(2))
    x, attr = torch.randn(5, EMBED), torch.randn(graph.num_edges, EDGE)
    assert not torch.allclose(first(x, graph, edge_attr=attr), second(x, graph, edge_attr=attr))
    second.load_state_dict(first.state_dict(), strict=True)
    assert torch.equal(first(x, graph, edge_attr=attr), second(x, graph, edge_attr=attr))


@pytest.mark.parametrize("edge_dim", [None, EDGE])
@pytest.mark.parametrize("score", SCORES)
def test_a_gradient_reaches_every_parameter(score, edge_dim):
    graph = zoo()["unsorted"]
    layer = randomized(MultiheadAttention(EMBED, HEADS, score=score, edge_dim=edge_dim))
    attr = numbers(graph.num_edges, EDGE) if edge_dim else None
    layer(numbers(graph.num_nodes, EMBED), graph, edge_attr=attr).sin().sum().backward()
    for name, parameter in layer.named_parameters():
        assert parameter.grad is not None, name
        # Softmax does not see what is added to all keys alike, so the bias of dot-product keys has no effect.
        if (name, score) != ("k_proj.bias", "dot"):
            assert parameter.grad.abs().max() > 1e-9, name


def test_new_weights():
    layer = MultiheadAttention(EMBED, HEADS, score="cosine")
    assert layer.beta.tolist() == [10.0] * HEADS
    assert not layer.q_proj.bias.any()


@pytest.mark.parametrize("edge_dim", [None, EDGE])
@pytest.mark.parametrize("score", SCORES)
def test_autocast(score, edge_dim):
    graph = zoo()["unsorted"]
    layer = MultiheadAttention(EMBED, HEADS, score=score, edge_dim=edge_dim)
    x = torch.randn(graph.num_nodes, EMBED)
    attr = torch.randn(graph.num_edges, EDGE) if edge_dim else None
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out, weights = layer(x, graph, edge_attr=attr, return_weights=True)
        fused = layer(x, graph, edge_attr=attr)
    assert out.dtype == weights.dtype == torch.bfloat16
    want = layer(x, graph, edge_attr=attr)
    for found in (out, fused):
        torch.testing.assert_close(found.float(), want, atol=0.1, rtol=0.1)
    fused.float().sum().backward()
    assert all(parameter.grad.dtype == torch.float32 for parameter in layer.parameters())


@pytest.mark.parametrize("score", SCORES)
def test_autocast_with_a_bias(score):
    graph = zoo()["unsorted"]
    layer = MultiheadAttention(EMBED, HEADS, score=score, edge_dim=EDGE)
    x, attr = torch.randn(graph.num_nodes, EMBED), torch.randn(graph.num_edges, EDGE)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer(x, graph, edge_attr=attr, edge_bias=torch.zeros(graph.num_edges, HEADS))
    assert out.dtype == torch.bfloat16


def test_no_nodes():
    layer = MultiheadAttention(EMBED, HEADS)
    out, weights = layer(torch.empty(0, EMBED), zoo()["empty"], return_weights=True)
    assert (out.shape, weights.shape) == ((0, EMBED), (0, HEADS))


def test_repr():
    shown = repr(MultiheadAttention(EMBED, HEADS, score="cosine", normalize="relu", dropout=0.1))
    assert 'embed_dim=15, num_heads=3, score="cosine", normalize="relu", dropout=0.1' in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_heads": 4}, "num_heads=4 does not divide embed_dim=15"),
        ({"num_heads": 0}, "num_heads=0 does not divide embed_dim=15"),
        ({"num_heads": 3, "num_kv_heads": 2}, "num_kv_heads=2 does not divide num_heads=3"),
        ({"num_heads": 3, "num_kv_heads": 0}, "num_kv_heads=0 does not divide num_heads=3"),
        ({"num_heads": 3, "activation": "tanh"}, 'activation="tanh" goes with score="additive"'),
        ({"num_heads": 3, "score": "additive", "activation": "relu"}, "activation is .*, got 'relu'"),
        ({"num_heads": 3, "score": "mlp"}, "score is one of .*; got 'mlp'"),
        ({"num_heads": 3, "normalize": "softmin"}, "normalize is one of .*; got 'softmin'"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        MultiheadAttention(EMBED, **options)


def test_a_dropout_that_cannot_be():
    with pytest.raises(ValueError, match="dropout"):
        MultiheadAttention(EMBED, HEADS, dropout=1.5)


def test_inputs_that_disagree():
    graph, x = ga.window(5, radius=1), torch.randn(5, EMBED)
    with pytest.raises(ValueError, match="edge_attr is given, but the layer was made without edge_dim"):
        MultiheadAttention(EMBED, HEADS)(x, graph, edge_attr=torch.randn(graph.num_edges, EDGE))
    layer = MultiheadAttention(EMBED, HEADS, edge_dim=EDGE)
    with pytest.raises(ValueError, match=r"graph must have 3 destinations and 5 sources, .* but it has 5 and 5"):
        layer(x[:3], graph, x)
    with pytest.raises(ValueError, match=r"v is .* expected \[5, any, any\], got \[3, 3, 5\]"):
        layer(x, graph, x, x[:3])
    with pytest.raises(ValueError, match=r"edge_attr is .* expected \[13, any\], got \[5, 7\]"):
        layer(x, graph, edge_attr=torch.randn(5, EDGE))
    with pytest.raises(ValueError, match=r"edge_bias is .* expected \[13, 3\], got \[13, 1\]"):
        layer(x, graph, edge_bias=torch.zeros(13, 1))
    with pytest.raises(TypeError, match="graph must be a Graph or an edge_index tensor, got list"):
        layer(x, graph.edge_index.tolist())


@pytest.mark.parametrize("score", ["sum", "none"])
def test_edge_features_of_another_number_of_edges_are_named(score):
    layer = MultiheadAttention(EMBED, HEADS, edge_dim=EDGE, score=score)
    with pytest.raises(ValueError, match="edge_attr is"):
        layer(torch.randn(5, EMBED), ga.window(5, radius=1), edge_attr=torch.randn(5, EDGE))


@pytest.mark.parametrize(("bias", "out_bias"), [(False, True), (True, False), (False, None), (True, None)])
def test_biases_of_the_output_and_of_the_rest(bias, out_bias):
    layer = MultiheadAttention(EMBED, HEADS, bias=bias, out_bias=out_bias)
    assert all((linear.bias is not None) == bias for linear in (layer.q_proj, layer.k_proj, layer.v_proj))
    assert (layer.out_proj.bias is not None) == (bias if out_bias is None else out_bias)
    inner = ga.nn.GraphTransformerLayer(EMBED, HEADS, attention=layer)
    assert inner(torch.randn(4, EMBED), ga.complete(4)).shape == (4, EMBED)
