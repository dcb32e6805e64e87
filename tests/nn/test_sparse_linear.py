"""A linear map of sparse rows gives what it gives of dense ones."""

import torch

from graphattn.nn.sparse_linear import SparseLinear, sparse_dropout


def features():
    x = torch.randn(7, 11, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return x * (x > 0.3)


def test_dropout_of_sparse_rows_keeps_zeros_and_rescales():
    x = torch.eye(2000).to_sparse_csr()
    torch.manual_seed(0)
    values = sparse_dropout(x, 0.75).values()
    assert set(values.tolist()) == {0.0, 4.0}
    assert sparse_dropout(x, 0.75, training=False) is x


def test_sparse_rows_are_read_anew_when_they_change():
    linear = SparseLinear(11, 2).double()
    for x in (features(), features().flip(0), features()[:4]):
        torch.testing.assert_close(linear(x.to_sparse_csr()), linear(x))
