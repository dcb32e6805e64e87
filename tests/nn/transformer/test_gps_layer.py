"""Message passing beside attention: the formula on dense matrices, and PyG's layers as the local part."""

import pytest
import torch
import torch.nn.functional as F

import graphattn as ga
from graphattn.nn import GPSLayer

EMBED, HEADS, EDGE = 12, 3, 5


class SumOfNeighbors(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.map = torch.nn.Linear(EMBED, EMBED)

    def forward(self, x, edge_index, edge_attr=None):
        src, dst = edge_index
        messages = x[src] if edge_attr is None else x[src] + edge_attr
        return self.map(torch.zeros_like(x).index_add(0, dst, messages))


def norm(x, module):
    return F.layer_norm(x, (EMBED,), module.weight, module.bias)


@pytest.mark.parametrize("with_features", [False, True])
def test_formula(with_features):
    torch.manual_seed(0)
    layer = GPSLayer(EMBED, HEADS, SumOfNeighbors(), edge_dim=EDGE if with_features else None, dropout=0.5)
    layer = layer.double().eval()
    for each in (layer.local_norm, layer.attention_norm, layer.ffn_norm):
        torch.nn.init.normal_(each.weight)
    x, edges = torch.randn(7, EMBED).double(), torch.tensor([[0, 1, 1, 5], [1, 0, 2, 4]])
    attr = torch.randn(49, EDGE).double() if with_features else None
    local_attr = torch.randn(4, EMBED).double() if with_features else None

    messages = torch.zeros(7, EMBED).double()
    for e, (j, i) in enumerate(edges.t().tolist()):
        messages[i] += x[j] if local_attr is None else x[j] + local_attr[e]
    h = norm(x + messages @ layer.local.map.weight.T + layer.local.map.bias, layer.local_norm)
    mha = layer.attention
    q, k, v = (proj(x).view(7, HEADS, -1) for proj in (mha.q_proj, mha.k_proj, mha.v_proj))
    k, v = (each.expand(7, 7, HEADS, -1) for each in (k, v))  # by destination, then source
    if with_features:
        on_edges = (attr @ mha.edge_proj.weight.T).view(7, 7, HEADS, -1)
        k, v = k + on_edges, v + on_edges
    alpha = (torch.einsum("ihd,ijhd->ijh", q, k) / 2).softmax(1)
    g = norm(x + mha.out_proj(torch.einsum("ijh,ijhd->ihd", alpha, v).flatten(1)), layer.attention_norm)
    first, _, _, second = layer.ffn
    z = h + g
    inner = F.gelu(z @ first.weight.T + first.bias) @ second.weight.T + second.bias
    want = norm(z + inner, layer.ffn_norm)
    got = layer(x, ga.complete(7), attr, local_edges=edges, local_attr=local_attr)
    torch.testing.assert_close(got, want)


def test_the_edges_are_those_of_the_graph_unless_given():
    torch.manual_seed(0)
    layer, x, graph = GPSLayer(EMBED, HEADS, SumOfNeighbors()), torch.randn(5, EMBED), ga.window(5, 1)
    want = layer(x, graph, local_edges=graph.edge_index)
    torch.testing.assert_close(layer(x, graph), want)
    torch.testing.assert_close(layer(x, graph.edge_index), want)


def test_pygs_layers_pass_messages_and_every_parameter_learns():
    pyg = pytest.importorskip("torch_geometric.nn")
    torch.manual_seed(0)
    x, graph = torch.randn(6, EMBED).double(), ga.complete([4, 2])
    edges, attr = torch.tensor([[0, 1, 4], [1, 3, 5]]), torch.randn(3, EMBED).double()
    for local in (pyg.GINEConv(torch.nn.Linear(EMBED, EMBED)), ga.nn.GATv2Conv(EMBED, EMBED, edge_dim=EMBED)):
        layer = GPSLayer(EMBED, HEADS, local).double()
        layer(x, graph, local_edges=edges, local_attr=attr).sin().sum().backward()
        for name, parameter in layer.named_parameters():
            if name != "attention.k_proj.bias":  # has no effect on a softmax of dot products
                assert parameter.grad is not None and parameter.grad.abs().max() > 1e-9, name
