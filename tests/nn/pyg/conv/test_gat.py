"""GATConv and GATv2Conv: what they mean, by hand, and how they hold on to a graph."""

import pytest
import torch

import graphattn as ga
from graphattn.ops import thresholds
from graphattn.testing import zoo

pytest.importorskip("torch_geometric")

IN, OUT, HEADS = 5, 7, 3


def edges():
    return torch.tensor([[0, 1, 1, 2, 2, 4, 1, 0], [1, 1, 0, 1, 2, 3, 1, 1]])


@pytest.mark.parametrize("name", ["GATConv", "GATv2Conv"])
def test_a_destination_without_edges_gets_the_bias(name):
    layer = getattr(ga.nn, name)(IN, OUT, HEADS, add_self_loops=False)
    torch.nn.init.normal_(layer.bias)
    out = layer(torch.randn(5, IN), zoo()["no_edges"])
    torch.testing.assert_close(out, layer.bias.expand(5, -1))


def test_gat_by_hand():
    """One head, one number: scores 2·x_j + 3·x_i, so that node 1 weighs node 0 by e^2 against its own e^4."""
    layer = ga.nn.GATConv(1, 1, bias=False)
    with torch.no_grad():
        layer.lin.weight.fill_(1.0)
        layer.att_src.fill_(2.0)
        layer.att_dst.fill_(3.0)
    out = layer(torch.tensor([[1.0], [2.0]]), torch.tensor([[0], [1]]))
    near, own = torch.tensor([2.0, 4.0]).exp()
    torch.testing.assert_close(out, torch.stack([torch.tensor(1.0), (near + 2 * own) / (near + own)]).view(2, 1))


def test_gatv2_ranks_its_neighbors_for_each_query_its_own_way():
    """What GAT cannot: node 0 looks at 1 rather than 2, node 3 at 2 rather than 1 (Brody et al. 2022, section 3)."""
    graph = ga.Graph(torch.tensor([[1, 2, 1, 2], [0, 0, 3, 3]]), 4)
    layer = ga.nn.GATv2Conv(1, 2, add_self_loops=False, bias=False)
    with torch.no_grad():
        layer.lin_l.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        layer.lin_r.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        layer.att.fill_(1.0)
    x = torch.tensor([[10.0], [10.0], [-10.0], [-10.0]])  # the score is 0.8 · |x_i + x_j|
    _, (_, weights) = layer(x, graph, return_attention_weights=True)
    assert weights.flatten().round().tolist() == [1, 0, 0, 1]


def test_an_edge_index_that_was_written_into_is_prepared_again():
    layer, edge_index, x = ga.nn.GATConv(IN, IN).eval(), edges(), torch.randn(6, IN)
    before = layer(x, edge_index)
    edge_index[0, 0] = 5
    after = layer(x, edge_index)
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, layer(x, ga.Graph(edge_index, 6)))


def test_node_scores_through_the_features_and_through_the_heads_are_the_same(monkeypatch):
    """On large graphs the narrower of the two is taken: 5 features into 3 · 7 numbers, and 30 features into them."""
    for width in (IN, 30):
        layer, x = ga.nn.GATConv(width, OUT, HEADS, add_self_loops=False).double(), torch.randn(6, width).double()
        want = layer(x, edges())
        with monkeypatch.context() as patch:
            patch.setattr(thresholds, "FEW_NUMBERS", 0)
            torch.testing.assert_close(layer(x, edges()), want)
        layer.lin.register_forward_hook(lambda module, inputs, out: None)  # the weight may not be read any more
        torch.testing.assert_close(layer(x, edges()), want)
