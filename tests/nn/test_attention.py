"""MultiheadAttention: against PyTorch's and PyG's layers, and each option by itself."""

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


def copy(ours, theirs):
    with torch.no_grad():
        theirs.weight.copy_(ours.weight)
        if ours.bias is not None:
            theirs.bias.copy_(ours.bias)


def torch_twin(layer, bias=True):
    twin = torch.nn.MultiheadAttention(
        EMBED, HEADS, bias=bias, kdim=layer.kdim, vdim=layer.vdim, batch_first=True, dtype=torch.float64
    )
    projections = layer.q_proj, layer.k_proj, layer.v_proj
    with torch.no_grad():
        if twin.in_proj_weight is not None:
            twin.in_proj_weight.copy_(torch.cat([projection.weight for projection in projections]))
        else:
            for name, projection in zip("qkv", projections, strict=True):
                getattr(twin, f"{name}_proj_weight").copy_(projection.weight)
        if bias:
            twin.in_proj_bias.copy_(torch.cat([projection.bias for projection in projections]))
    copy(layer.out_proj, twin.out_proj)
    return twin


@pytest.mark.parametrize("bias", [True, False])
def test_complete_graphs_are_torchs_multihead_attention(bias):
    layer = randomized(MultiheadAttention(EMBED, HEADS, bias=bias))
    x = numbers(2, 11, EMBED)
    want, want_weights = torch_twin(layer, bias)(x, x, x, average_attn_weights=False)
    graph = ga.complete([11, 11])
    out, weights = layer(x.flatten(0, 1), graph, return_weights=True)
    torch.testing.assert_close(layer(x.flatten(0, 1), graph), want.flatten(0, 1))
    torch.testing.assert_close(out, want.flatten(0, 1))
    torch.testing.assert_close(weights, want_weights.permute(0, 2, 3, 1).flatten(0, 2))  # destination, then source


def test_causal_graphs_are_torchs_causal_mask():
    layer = randomized(MultiheadAttention(EMBED, HEADS))
    x = numbers(11, EMBED)
    mask = torch.ones(11, 11, dtype=torch.bool).triu(1)
    want, _ = torch_twin(layer)(x, x, x, attn_mask=mask)
    torch.testing.assert_close(layer(x, ga.causal(11)), want)


def test_bipartite_graphs_are_torchs_cross_attention():
    layer = randomized(MultiheadAttention(EMBED, HEADS, kdim=5, vdim=13))
    query, key, value = numbers(3, EMBED), numbers(7, 5), numbers(7, 13)
    want, _ = torch_twin(layer)(query, key, value)
    torch.testing.assert_close(layer(query, ga.bipartite(3, 7), key, value), want)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
def test_edges_are_torchs_mask():
    layer = randomized(MultiheadAttention(EMBED, HEADS))
    x = numbers(11, EMBED)
    graph = ga.window(11, radius=2)
    mask = graph.to_torch_sparse().to_dense() == 0  # row i, column j: i may not look at j
    want, _ = torch_twin(layer)(x, x, x, attn_mask=mask)
    torch.testing.assert_close(layer(x, graph), want)


@pytest.mark.parametrize("name", sorted(zoo()))
@pytest.mark.parametrize("edge_dim", [None, EDGE])
@pytest.mark.parametrize("bias", [True, False])
def test_it_is_pygs_transformer_conv(name, edge_dim, bias):
    pyg = pytest.importorskip("torch_geometric.nn")
    graph = zoo()[name]
    layer = randomized(MultiheadAttention(EMBED, HEADS, edge_dim=edge_dim, bias=bias))
    twin = pyg.TransformerConv(EMBED, EMBED // HEADS, HEADS, edge_dim=edge_dim, root_weight=False, bias=bias).double()
    for ours, theirs in (("q_proj", "lin_query"), ("k_proj", "lin_key"), ("v_proj", "lin_value")):
        copy(getattr(layer, ours), getattr(twin, theirs))
    if edge_dim:
        copy(layer.edge_proj, twin.lin_edge)
    query, key = numbers(graph.num_dst, EMBED).requires_grad_(), numbers(graph.num_src, EMBED).requires_grad_()
    edge_attr = numbers(graph.num_edges, EDGE).requires_grad_() if edge_dim else None
    inputs = [query, key] + ([edge_attr] if edge_dim else [])

    out, weights = layer(query, graph, key, edge_attr=edge_attr, return_weights=True)
    twin_out, (_, twin_weights) = twin((key, query), graph.edge_index, edge_attr, return_attention_weights=True)
    want = layer.out_proj(twin_out)
    torch.testing.assert_close(out, want)
    torch.testing.assert_close(weights, twin_weights)
    torch.testing.assert_close(layer(query, graph, key, edge_attr=edge_attr), want)
    for found, expected in zip(
        torch.autograd.grad(out.sin().sum(), inputs), torch.autograd.grad(want.sin().sum(), inputs), strict=True
    ):
        torch.testing.assert_close(found, expected)


def by_loops(layer, query, key, value, graph, edge_attr=None):
    """The layer's formula written out for each edge and head; the weights in the graph's order."""
    H, D = layer.num_heads, layer.head_dim
    group = H // layer.num_kv_heads
    src, dst = graph.edge_index.tolist()
    scores = torch.zeros(graph.num_edges, H, dtype=torch.float64)
    messages = torch.zeros(graph.num_edges, H, D, dtype=torch.float64)
    for e in range(graph.num_edges):
        for h in range(H):
            head, shared = slice(h * D, (h + 1) * D), slice(h // group * D, (h // group + 1) * D)
            edge = 0.0 if edge_attr is None else layer.edge_proj(edge_attr[e])[head]
            messages[e, h] = layer.v_proj(value[src[e]])[shared] + edge
            if layer.score == "none":
                scores[e, h] = 0.0 if edge_attr is None else layer.edge_bias_proj(edge_attr[e])[h]
                continue
            q, k = layer.q_proj(query[dst[e]])[head], layer.k_proj(key[src[e]])[shared]
            if layer.score == "dot":
                scores[e, h] = q @ (k + edge) / D**0.5
            elif layer.score == "cosine":
                scores[e, h] = layer.beta[h] * torch.cosine_similarity(q, k + edge, dim=0)
            elif layer.score == "additive":
                hidden = q + k + edge
                scores[e, h] = layer.att[h] @ torch.where(hidden > 0, hidden, 0.2 * hidden)
            elif layer.score == "sum":
                total = q @ layer.att_dst[h] + k @ layer.att_src[h // group]
                total = total if edge_attr is None else total + layer.edge_bias_proj(edge_attr[e])[h]
                scores[e, h] = torch.where(total > 0, total, 0.2 * total)
    out = torch.zeros(graph.num_dst, H, D, dtype=torch.float64)
    weights = torch.zeros_like(scores)
    for i in range(graph.num_dst):
        into = [e for e in range(graph.num_edges) if dst[e] == i]
        if into:
            weights[into] = scores[into].softmax(0)
            out[i] = (weights[into].unsqueeze(-1) * messages[into]).sum(0)
    return layer.out_proj(out.flatten(1)), weights


@pytest.mark.parametrize("num_kv_heads", [None, 2, 1])
@pytest.mark.parametrize("edge_dim", [None, EDGE])
@pytest.mark.parametrize("score", SCORES)
def test_every_score_with_and_without_edge_features(score, edge_dim, num_kv_heads):
    graph = ga.Graph(torch.tensor([[0, 4, 4, 2, 2, 1], [1, 1, 0, 2, 2, 0]]), num_dst=3, num_src=5)
    layer = randomized(
        MultiheadAttention(12, 4, kdim=5, vdim=11, score=score, edge_dim=edge_dim, num_kv_heads=num_kv_heads)
    )
    query, key, value = numbers(3, 12), numbers(5, 5), numbers(5, 11)
    edge_attr = None if edge_dim is None else numbers(6, EDGE)
    found = layer(query, graph, key, value, edge_attr=edge_attr, return_weights=True)
    with torch.no_grad():
        want = by_loops(layer, query, key, value, graph, edge_attr)
    torch.testing.assert_close(found, want)
    torch.testing.assert_close(layer(query, graph, key, value, edge_attr=edge_attr), want[0])


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


def test_bahdanaus_score():
    layer = MultiheadAttention(EMBED, HEADS, score="additive", activation="tanh").double()
    x = torch.randn(5, EMBED, dtype=torch.float64)
    q, k, v = (linear(x).view(5, HEADS, -1) for linear in (layer.q_proj, layer.k_proj, layer.v_proj))
    alpha = ((q[:, None] + k[None]).tanh() * layer.att).sum(-1).softmax(1)  # [i, j, H]
    want = layer.out_proj(torch.einsum("ijh,jhd->ihd", alpha, v).flatten(1))
    torch.testing.assert_close(layer(x, ga.complete(5)), want)
