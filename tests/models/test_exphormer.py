"""Exphormer: its edges, and message passing."""

import networkx as nx
import pytest
import torch

import graphattn as ga
from graphattn.models import Exphormer, Graphormer

EMBED, HEADS = 12, 3


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_exphormer_has_the_edges_of_the_paper():
    net = Exphormer(EMBED, HEADS, 1, degree=2, num_virtual=2, edge_dim=3).eval()
    small = ga.Graph(torch.tensor([[0, 1], [1, 0]]), 2)  # too small for an expander
    graph = ga.batch([ga.Graph(torch.tensor([[0, 3, 4], [1, 2, 0]]), 6), small])
    whole, kind = net._connect(graph)
    assert whole.num_nodes == 8 + 4
    own, random, down, up = (whole.edge_index[:, kind == number] for number in range(4))
    assert torch.equal(own, graph.edge_index)
    assert random[:, :12].max() < 6
    assert random[:, 12:].tolist() == [[6, 7], [6, 7]]
    assert sorted(map(tuple, down.t().tolist())) == sorted(
        [(8 + v, i) for i in range(6) for v in range(2)] + [(10 + v, i) for i in (6, 7) for v in range(2)]
    )
    assert torch.equal(up, down.flip(0))
    x, attr = torch.randn(8, EMBED), torch.randn(5, 3)
    features = net.kinds(kind)
    features = torch.cat([features[:5] + net.edges(attr), features[5:]])
    net._made = graph, (whole, kind)
    want = net.encoder(torch.cat([x, net.virtual, net.virtual]), whole, features)[:8]
    torch.testing.assert_close(net(x, graph, attr), want)
    with pytest.raises(ValueError, match="edge_attr goes with edge_dim"):
        net(x, graph)


class SumOfNeighbors(torch.nn.Module):
    def forward(self, x, edge_index, edge_attr):
        return torch.zeros_like(x).index_add(0, edge_index[1], x[edge_index[0]] + edge_attr)


def test_exphormer_with_message_passing():
    net = Exphormer(EMBED, HEADS, 2, degree=2, edge_dim=3, local=SumOfNeighbors).eval()
    graph = ga.from_networkx(nx.path_graph(6))
    x, attr = torch.randn(6, EMBED), torch.randn(graph.num_edges, 3)
    whole, kind = net._connect(graph)
    features, own = net.kinds(kind), net.edges(attr)
    features[: graph.num_edges] += own
    want = torch.cat([x, net.virtual])
    for layer in net.encoder.layers:
        want = layer(want, whole, features, local_edges=graph.edge_index, local_attr=own)
    torch.testing.assert_close(net(x, graph, attr), want[:6])


@pytest.mark.parametrize("kind", [Graphormer, Exphormer])
def test_networks_on_graphs_take_an_edge_index_and_check_its_size(kind):
    net, x = kind(EMBED, HEADS, 1).eval(), torch.randn(9, EMBED)
    edge_index = torch.tensor([[0, 1, 8], [1, 0, 2]])
    torch.testing.assert_close(net(x, edge_index), net(x, ga.Graph(edge_index, 9)))
    with pytest.raises(ValueError, match=r"graph must have 9 destinations and 9 sources.* it has 4 and 4"):
        net(x, ga.complete(4))
