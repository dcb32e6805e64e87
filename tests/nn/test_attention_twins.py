"""MultiheadAttention against PyTorch's and PyG's layers, and against its formula in loops."""

import pytest
import torch

import graphattn as ga
from graphattn.nn import MultiheadAttention
from graphattn.testing import (
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


def test_bahdanaus_score():
    layer = MultiheadAttention(EMBED, HEADS, score="additive", activation="tanh").double()
    x = torch.randn(5, EMBED, dtype=torch.float64)
    q, k, v = (linear(x).view(5, HEADS, -1) for linear in (layer.q_proj, layer.k_proj, layer.v_proj))
    alpha = ((q[:, None] + k[None]).tanh() * layer.att).sum(-1).softmax(1)  # [i, j, H]
    want = layer.out_proj(torch.einsum("ijh,jhd->ihd", alpha, v).flatten(1))
    torch.testing.assert_close(layer(x, ga.complete(5)), want)
