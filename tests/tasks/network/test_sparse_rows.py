"""Sparse features are scaled without their zeros."""

import torch
from small_networks import network

from graphattn.tasks.network.features import NodeFeatures


def test_sparse_features_stay_sparse_with_rows_that_add_up_to_one():
    x = torch.tensor([[0.0, 2.0, 1.0], [0.0, 0.0, 0.0], [1.0, 4.0, 0.0]]).to_sparse_csr()
    net = network([[0, 1], [1, 2]], [0, 1, 0], x=x)
    out = NodeFeatures.fit(net).transform(net)
    assert out.layout is torch.sparse_csr
    torch.testing.assert_close(out.to_dense(), torch.tensor([[0, 1 / 3, 2 / 3], [0, 0, 0], [0.5, 0.5, 0]]))
    more = NodeFeatures.fit(net, structural=True).transform(net)
    assert more.layout is torch.sparse_csr
    assert more.shape[1] > 3
