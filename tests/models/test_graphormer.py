"""Graphormer by its formula."""

import networkx as nx
import pytest
import torch

import graphattn as ga
from graphattn.models import Graphormer
from graphattn.nn.positions import shortest_paths

EMBED, HEADS = 12, 3


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_graphormer():
    net = Graphormer(EMBED, HEADS, 1, max_distance=3, edge_dim=2).double().eval()
    graph = ga.from_networkx(nx.karate_club_graph())
    x = torch.randn(34, EMBED, dtype=torch.float64)
    _, distance, edges = shortest_paths(graph, 3)
    attr = torch.randn(graph.num_edges, 2, dtype=torch.float64)
    h = x + net.centrality.of_in(graph.in_degree.clamp(max=16)) + net.centrality.of_out(graph.out_degree.clamp(max=16))
    (layer,) = net.encoder.layers
    q, k, v = (
        proj(layer.attention_norm(h)).view(34, HEADS, -1).transpose(0, 1)
        for proj in (layer.attention.q_proj, layer.attention.k_proj, layer.attention.v_proj)
    )
    bias = net.spatial.table.weight[distance] + net.along(attr, edges)
    bias = bias.view(34, 34, HEADS).permute(2, 0, 1)
    out = (q @ k.transpose(1, 2) / 2 + bias).softmax(-1) @ v
    h = h + layer.attention.out_proj(out.transpose(0, 1).flatten(1))
    torch.testing.assert_close(net(x, graph, attr), net.encoder.norm(h + layer.ffn(layer.ffn_norm(h))))
    with pytest.raises(ValueError, match="edge_attr goes with edge_dim"):
        net(x, graph)


def test_virtual_node_of_graphormer():
    net = Graphormer(EMBED, HEADS, 1, max_distance=3, virtual_node=True).double().eval()
    torch.nn.init.normal_(net.virtual_bias)
    sizes = [5, 1, 4]
    parts = [ga.Graph(torch.randint(size, (2, 2 * size)), size) for size in sizes]
    graph, x = ga.batch(parts), torch.randn(sum(sizes), EMBED, dtype=torch.float64)
    nodes, graphs = net(x, graph)
    h = x + net.centrality.of_in(graph.in_degree.clamp(max=16)) + net.centrality.of_out(graph.out_degree.clamp(max=16))
    (layer,) = net.encoder.layers
    want_nodes, want_graphs = [], []
    for part, own in zip(parts, h.split(sizes), strict=True):
        n = part.num_nodes
        bias = net.virtual_bias.expand(n + 1, n + 1, HEADS).clone()
        bias[1:, 1:] = net.spatial.table.weight[shortest_paths(part, 3).distance].view(n, n, HEADS)
        rows = torch.cat([net.virtual[None], own])
        rows = layer(rows, ga.complete(n + 1), edge_bias=bias.flatten(0, 1))
        rows = net.encoder.norm(rows)
        want_graphs.append(rows[0])
        want_nodes.append(rows[1:])
    torch.testing.assert_close(nodes, torch.cat(want_nodes))
    torch.testing.assert_close(graphs, torch.stack(want_graphs))
