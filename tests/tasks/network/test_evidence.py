"""What the rivals see, by hand."""

import numpy as np
import torch
from small_networks import network

from graphattn.tasks.network.evidence import gather
from graphattn.tasks.network.features import NodeFeatures
from graphattn.tasks.network.node_inputs import NodeInputs


def evidence_of(net):
    features = NodeFeatures.fit(net)
    return gather(NodeInputs.of(net, features), features.positions(net))


def test_neighbors_are_summed_up_by_hand():
    net = network([[0, 2], [1, 1]], [0, 1, 1, 1], x=torch.tensor([[1.0], [2.0], [7.0], [9.0]]), directed=True)
    wide = gather(NodeInputs(net.x, NodeInputs.of(net, NodeFeatures.fit(net)).graph), np.zeros((4, 8))).wide
    np.testing.assert_allclose(wide[:, :4], [[1, 0, 0, 0], [2, 4, 7, 1], [7, 0, 0, 0], [9, 0, 0, 0]])


def test_wide_sparse_features_are_condensed():
    x = (torch.rand(60, 300, generator=torch.Generator().manual_seed(0)) < 0.05).float()
    net = network([[0, 1], [1, 2]], torch.arange(60) % 2, x=x.to_sparse_csr())
    found = evidence_of(net)
    assert found.compact.shape == (60, 59)
    assert found.wide.shape == (60, 300 + 4 * 59 + 7 + 8)
