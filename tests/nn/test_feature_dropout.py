"""Dropout of dense features is PyTorch's; of sparse ones, that of the stored entries."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import graphattn as ga


def test_dense_features():
    x = torch.randn(7, 5)
    results = []
    for dropout in (ga.nn.FeatureDropout(0.3), nn.Dropout(0.3)):
        torch.manual_seed(3)
        results.append(dropout(x))
    assert torch.equal(*results)


def test_sparse_features():
    dense = torch.zeros(60, 50)
    dense[::2, ::5] = 3.0
    x, dropout = dense.to_sparse_csr(), ga.nn.FeatureDropout(0.25)
    torch.manual_seed(0)
    out = dropout(x)
    assert_close(out.crow_indices(), x.crow_indices())
    assert_close(out.col_indices(), x.col_indices())
    torch.manual_seed(0)
    assert torch.equal(out.values(), nn.functional.dropout(x.values(), 0.25))
    assert set(out.values().tolist()) == {0.0, 4.0}
    assert (x.to_dense() == dense).all()


def test_gradients():
    values = torch.ones(40, requires_grad=True)
    x = torch.sparse_csr_tensor(torch.tensor([0, 40]), torch.arange(40), values, (1, 40))
    out = ga.nn.FeatureDropout(0.5)(x).values()
    out.sum().backward()
    assert torch.equal(values.grad, out.detach())  # of ones, what they are multiplied by


@pytest.mark.parametrize(("p", "want"), [(0.0, [2.0]), (1.0, [0.0])])
def test_none_and_all(p, want):
    x = torch.tensor([[0.0, 2.0]]).to_sparse_csr()
    assert ga.nn.FeatureDropout(p)(x).values().tolist() == want
    assert ga.nn.FeatureDropout(p).eval()(x) is x


def test_errors():
    with pytest.raises(TypeError, match=r"x must be dense or torch.sparse_csr, got torch.sparse_coo"):
        ga.nn.FeatureDropout()(torch.eye(2).to_sparse_coo())
    with pytest.raises(ValueError, match="between 0 and 1"):
        ga.nn.FeatureDropout(1.5)
