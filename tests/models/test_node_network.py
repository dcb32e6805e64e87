"""Networks for nodes: every setting gives a function of the graph; sparse features give what dense ones give."""

import copy

import pytest
import torch

import graphattn as ga
from graphattn.models import NodeNetwork
from graphattn.models.node_network import CONVS, NORMS

EDGES = torch.tensor([[0, 1, 2, 3, 1, 4, 4], [1, 2, 0, 1, 0, 2, 2]])
GRAPH = ga.Graph(EDGES, 7)  # node 5 and 6 have no edges, 4 → 2 is there twice


def features(dtype=torch.float64):
    x = torch.randn(7, 11, generator=torch.Generator().manual_seed(0), dtype=dtype)
    return x * (x > 0.3)


def network(**settings):
    torch.manual_seed(1)
    return NodeNetwork(11, 3, **({"hidden_dim": 10, "num_heads": 5, "depth": 3} | settings)).double()


@pytest.mark.parametrize("conv", CONVS)
@pytest.mark.parametrize("pre_linear", [True, False])
@pytest.mark.parametrize("sep", [True, False])
@pytest.mark.parametrize("linear_head", [True, False])
def test_sparse_features_give_what_dense_ones_give(conv, pre_linear, sep, linear_head):
    net = network(conv=conv, pre_linear=pre_linear, sep=sep, linear_head=linear_head, dropout=0.0)
    twin = copy.deepcopy(net)
    x = features()
    dense, sparse = net(x, GRAPH), twin(x.to_sparse_csr(), GRAPH)
    torch.testing.assert_close(sparse, dense)
    dense.square().sum().backward()
    sparse.square().sum().backward()
    for (name, one), other in zip(net.named_parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(other.grad, one.grad, msg=name)


@pytest.mark.parametrize("conv", CONVS)
@pytest.mark.parametrize("norm", NORMS)
def test_renumbered_nodes_give_renumbered_outputs(conv, norm):
    net = network(conv=conv, norm=norm, residual=True, jumping=True, sep=True, pre_linear=True).eval()
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    place = order.argsort()
    torch.testing.assert_close(net(features()[order], place[EDGES]), net(features(), GRAPH)[order])


def test_a_node_without_edges_sees_itself_alone():
    net = network(sep=True).eval()
    alone = net(features()[5:6], ga.Graph(torch.empty(2, 0, dtype=torch.int64), 1))
    torch.testing.assert_close(net(features(), GRAPH)[5:6], alone)


def test_edge_features_and_attention_weights():
    net = network(edge_dim=2, conv="gatv2").eval()
    attr = torch.randn(7, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    assert net(features(), GRAPH, attr).shape == (7, 3)
    weights = net.attention_weights(features(), GRAPH, attr)
    assert len(weights) == 3
    edges, alpha = weights[0]
    assert edges.shape[1] == alpha.shape[0] == 7 + 7  # with self-loops
    sums = torch.zeros(7, 5, dtype=torch.float64).index_add(0, edges[1], alpha)
    torch.testing.assert_close(sums, torch.ones_like(sums))


@pytest.mark.parametrize(
    "settings", [{"conv": "gcn"}, {"norm": "group"}, {"activation": "sin"}, {"num_heads": 3}, {"depth": 0}]
)
def test_settings_that_cannot_be(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        network(**settings)
