"""Linear maps of sparse rows against those of the same rows, dense."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from graphattn.nn import sparse_features
from graphattn.nn.sparse_features import is_sparse, sparse_linear, with_values


def matrix(rows, columns, share):
    """Drawn rows of which `share` is not zero; the last row and the last column are empty."""
    generator = torch.Generator().manual_seed(rows)
    dense = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    dense *= torch.rand(rows, columns, generator=generator) < share
    dense[-1:] = 0
    dense[:, -1:] = 0
    return dense


def parameters(out, width):
    generator = torch.Generator().manual_seed(out)
    shapes = (out, width), (out,)
    return [torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True) for shape in shapes]


@pytest.mark.parametrize("index", [torch.int64, torch.int32])
@pytest.mark.parametrize(("rows", "columns", "share"), [(7, 11, 0.3), (13, 5, 1.0), (3, 2, 0.0), (0, 4, 0.5)])
def test_maps_and_gradients(rows, columns, share, index):
    dense, (weight, bias) = matrix(rows, columns, share), parameters(3, columns)
    csr = dense.to_sparse_csr()
    values = csr.values().clone().requires_grad_()
    x = torch.sparse_csr_tensor(csr.crow_indices().to(index), csr.col_indices().to(index), values, dense.shape)
    dense.requires_grad_()
    found, want = sparse_linear(x, weight, bias), F.linear(dense, weight, bias)
    assert_close(found, want)
    to_values, *found = torch.autograd.grad(found.square().sum(), (values, weight, bias))
    to_dense, *want = torch.autograd.grad(want.square().sum(), (dense, weight, bias))
    assert_close(found, want)
    assert_close(to_values, to_dense[dense.detach() != 0])


def test_without_a_bias():
    dense, (weight, _) = matrix(5, 3, 0.5), parameters(2, 3)
    assert_close(sparse_linear(dense.to_sparse_csr(), weight), F.linear(dense, weight))


def test_copies_of_an_entry_are_added_up():
    x = torch.sparse_csr_tensor(torch.tensor([0, 3]), torch.tensor([1, 1, 0]), torch.tensor([2.0, 3.0, 1.0]), (1, 2))
    assert sparse_linear(x, torch.tensor([[10.0, 1.0]])).item() == 15


def test_autocast():
    x, weight = torch.eye(3).to_sparse_csr(), torch.ones(2, 3, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        out = sparse_linear(x, weight, torch.ones(2))
    assert (out.dtype, out.tolist()) == (torch.bfloat16, [[2, 2]] * 3)
    out.sum().backward()
    assert weight.grad.dtype == torch.float32


def test_entries_are_prepared_once(monkeypatch):
    graphs = []

    def kept(edges, *sizes, as_graph=sparse_features.as_graph):
        graphs.append(as_graph(edges, *sizes))
        return graphs[-1]

    monkeypatch.setattr(sparse_features, "as_graph", kept)
    dense, (weight, _) = matrix(5, 3, 0.5), parameters(2, 3)
    x = dense.to_sparse_csr()
    twice = with_values(x, 2 * x.values())
    for rows in (x, x, twice, with_values(twice, 3 * x.values())):
        sparse_linear(rows, weight)
    assert all(graph is graphs[0] for graph in graphs)
    assert_close(sparse_linear(twice, weight), F.linear(2 * dense, weight))


def test_layouts():
    x = torch.eye(2)
    assert [is_sparse(each) for each in (x, x.to_sparse_csr(), x.to_sparse_coo(), x.to_sparse_csc())] == [
        False, True, False, False,
    ]  # fmt: skip
