"""Features that are mostly zeros: scaled, and with further columns, without ever writing the zeros down."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]


def largest_of(x: Tensor) -> Array:
    """Return the largest size of an entry in each column, at least 1."""
    sizes = torch.zeros(x.shape[1]).scatter_reduce(0, x.col_indices().long(), _values(x).abs(), "amax")
    return sizes.clamp(min=1).double().numpy()


def _values(x: Tensor) -> Tensor:
    return torch.nan_to_num(x.values().float())


def rows_to_one(x: Tensor, largest: Array | None) -> Tensor:
    """Divide columns by `largest`, then rows by their sum of absolute values; rows of zeros stay."""
    rows = torch.repeat_interleave(torch.arange(x.shape[0]), x.crow_indices().diff())
    values = _values(x)
    if largest is not None:
        values = values / torch.from_numpy(largest).float()[x.col_indices().long()]
    sums = torch.zeros(x.shape[0]).index_add(0, rows, values.abs())
    scaled = values / sums.clamp(min=torch.finfo(torch.float32).tiny)[rows]
    return torch.sparse_csr_tensor(x.crow_indices(), x.col_indices(), scaled, x.shape, check_invariants=False)


def beside(x: Tensor, dense: list[Array]) -> Tensor:
    """Return a CSR matrix with further columns, which are stored without their zeros."""
    if not dense:
        return x
    import scipy.sparse as sp

    own = sp.csr_array((x.values().numpy(), x.col_indices().numpy(), x.crow_indices().numpy()), shape=tuple(x.shape))
    both = sp.hstack([own, *(sp.csr_array(part.astype(np.float32)) for part in dense)], format="csr")
    pointers, columns = (torch.from_numpy(part.astype(np.int64)) for part in (both.indptr, both.indices))
    values = torch.from_numpy(both.data.astype(np.float32))
    return torch.sparse_csr_tensor(pointers, columns, values, both.shape, check_invariants=False)
