"""The pre-norm block: its formula by hand, and what it hands on to its attention."""

import pytest
import torch
import torch.nn.functional as F

import graphattn as ga
from graphattn.nn import GraphTransformerLayer
from graphattn.testing import assert_batch_equals_separate, assert_node_permutation_equivariant, zoo

EMBED, HEADS, FFN, EDGE = 15, 3, 11, 7


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def randomized(layer):
    layer = layer.double().eval()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn_like(parameter) / 3)
    return layer


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


@pytest.mark.parametrize("edge_dim", [None, EDGE])
def test_formula(edge_dim):
    graph = zoo()["unsorted"]
    layer = randomized(GraphTransformerLayer(EMBED, HEADS, ffn_dim=FFN, edge_dim=edge_dim, dropout=0.5))
    x, attr = numbers(graph.num_nodes, EMBED), numbers(graph.num_edges, EDGE) if edge_dim else None

    def norm(x, module):
        centered = x - x.mean(1, keepdim=True)
        scaled = centered / (centered.square().mean(1, keepdim=True) + 1e-5).sqrt()
        return scaled * module.weight + module.bias

    y = x + layer.attention(norm(x, layer.attention_norm), graph, edge_attr=attr)
    first, _, _, second = layer.ffn
    want = y + F.gelu(norm(y, layer.ffn_norm) @ first.weight.T + first.bias) @ second.weight.T + second.bias
    torch.testing.assert_close(layer(x, graph, attr), want)
    assert first.weight.shape == (FFN, EMBED)


def test_the_inner_width_is_four_times_the_outer_unless_given():
    assert GraphTransformerLayer(EMBED, HEADS).ffn[0].out_features == 4 * EMBED


def test_options_reach_the_attention():
    layer = GraphTransformerLayer(EMBED, HEADS, edge_dim=EDGE, attention_dropout=0.25, score="cosine", normalize="relu")
    attention = layer.attention
    assert (attention.score, attention.normalize, attention.dropout, attention.edge_dim) == (
        "cosine",
        "relu",
        0.25,
        EDGE,
    )
    with pytest.raises(ValueError, match="num_heads=2 does not divide embed_dim=15"):
        GraphTransformerLayer(EMBED, 2)


def test_an_edge_index_serves_in_place_of_the_graph():
    layer, graph, x = GraphTransformerLayer(EMBED, HEADS), ga.window(5, radius=1), torch.randn(5, EMBED)
    torch.testing.assert_close(layer(x, graph.edge_index), layer(x, graph))


@pytest.mark.parametrize("where", ["dropout", "attention_dropout"])
def test_dropout_in_training_only(where):
    graph, x = ga.complete(5), torch.randn(5, EMBED)
    layer = GraphTransformerLayer(EMBED, HEADS, **{where: 0.5})
    assert not torch.equal(layer(x, graph), layer(x, graph))
    layer.eval()
    assert torch.equal(layer(x, graph), layer(x, graph))


def test_a_branch_that_is_dropped_leaves_the_input():
    x = torch.randn(5, EMBED)
    layer = GraphTransformerLayer(EMBED, HEADS)
    layer.dropout.p = 1.0
    assert torch.equal(layer(x, ga.complete(5)), x)


def test_symmetries():
    layer = randomized(GraphTransformerLayer(EMBED, HEADS, edge_dim=EDGE))
    graph, small = zoo()["unsorted"], zoo()["isolated_nodes"]
    cases = [(numbers(g.num_nodes, EMBED), g, numbers(g.num_edges, EDGE)) for g in (graph, small)]
    assert_node_permutation_equivariant(layer, *cases[0])
    assert_batch_equals_separate(layer, cases)


def test_a_gradient_reaches_every_parameter():
    graph = zoo()["unsorted"]
    layer = randomized(GraphTransformerLayer(EMBED, HEADS, edge_dim=EDGE))
    layer(numbers(graph.num_nodes, EMBED), graph, numbers(graph.num_edges, EDGE)).sin().sum().backward()
    for name, parameter in layer.named_parameters():
        if name != "attention.k_proj.bias":  # has no effect on a softmax of dot products
            assert parameter.grad.abs().max() > 1e-9, name


def test_state_dict_and_autocast():
    graph, x = zoo()["unsorted"], torch.randn(13, EMBED)
    first, second = (GraphTransformerLayer(EMBED, HEADS) for _ in range(2))
    second.load_state_dict(first.state_dict(), strict=True)
    want = first(x, graph)
    assert torch.equal(second(x, graph), want)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(second(x, graph).float(), want, atol=0.1, rtol=0.1)


def test_post_norm():
    graph = zoo()["unsorted"]
    layer = randomized(GraphTransformerLayer(EMBED, HEADS, ffn_dim=FFN, norm_first=False, activation=torch.nn.Tanh()))
    x = numbers(graph.num_nodes, EMBED)
    first, _, _, second = layer.ffn
    y = layer.attention_norm(x + layer.attention(x, graph))
    inner = (y @ first.weight.T + first.bias).tanh() @ second.weight.T + second.bias
    torch.testing.assert_close(layer(x, graph), layer.ffn_norm(y + inner))


def test_an_attention_of_ones_own():
    with pytest.raises(ValueError, match="options of the module attention"):
        GraphTransformerLayer(EMBED, HEADS, attention=ga.nn.MultiheadAttention(EMBED, HEADS), score="cosine")
    attention = ga.nn.LinformerAttention(EMBED, HEADS, num_landmarks=3, max_nodes=7)
    layer, x = randomized(GraphTransformerLayer(EMBED, HEADS, attention=attention)), numbers(12, EMBED)
    y = x + attention(layer.attention_norm(x), ga.complete([7, 5]))
    torch.testing.assert_close(layer(x, ga.complete([7, 5])), y + layer.ffn(layer.ffn_norm(y)))


def test_encoder_is_its_layers_and_shares_one_bias():
    bias = ga.nn.positions.ALiBi(HEADS).double()
    layers = [randomized(GraphTransformerLayer(EMBED, HEADS)) for _ in range(3)]
    encoder = ga.nn.TransformerEncoder(layers, norm=torch.nn.LayerNorm(EMBED).double(), bias=bias)
    graph, x = ga.window([5, 4], radius=2), numbers(9, EMBED)
    want = x
    for layer in layers:
        want = layer(want, graph, edge_bias=bias(graph))
    torch.testing.assert_close(encoder(x, graph), encoder.norm(want))
    torch.testing.assert_close(encoder(x, graph)[:5], encoder(x[:5], ga.window(5, radius=2)))
    with pytest.raises(ValueError, match="the encoder computes it by its own bias"):
        encoder(x, graph, edge_bias=bias(graph))
