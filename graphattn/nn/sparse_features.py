"""Node features that are mostly zeros, as a sparse matrix, and their linear maps."""

from __future__ import annotations

import torch
from torch import Tensor

from graphattn.graph import as_graph
from graphattn.nn.functional.edge_weights import weighted_sum
from graphattn.ops.precision import under_autocast

_ENTRIES_OF = "_graphattn_entries_of"


def is_sparse(x: Tensor) -> bool:
    """Whether `x` is a matrix in compressed sparse row form, `torch.sparse_csr`."""
    return x.layout is torch.sparse_csr


def with_values(x: Tensor, values: Tensor) -> Tensor:
    """A CSR matrix with the entries of `x` and other values of them.

    What was prepared for the entries of `x` serves it too.
    """
    made = torch.sparse_csr_tensor(x.crow_indices(), x.col_indices(), values, x.shape, check_invariants=False)
    setattr(made, _ENTRIES_OF, getattr(x, _ENTRIES_OF, x))
    return made


def sparse_linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`torch.nn.functional.linear` of sparse rows: x Wᵀ + b.

    It takes (entries · D) operations forward and backward. Gradients reach the weight, the bias and the values of `x`.

    Args:
        x: `[N, F]`, `torch.sparse_csr`; copies of an entry are added up. Its entries are prepared once for each matrix
            that lives, as edges are.
        weight: `[D, F]`.
        bias: `[D]`.

    Returns:
        `[N, D]`, dense.
    """
    values = x.values()
    if under_autocast(x):
        dtype = torch.get_autocast_dtype(x.device.type)
        values, weight = values.to(dtype), weight.to(dtype)
        bias = None if bias is None else bias.to(dtype)
    entries = as_graph(getattr(x, _ENTRIES_OF, x), *x.shape)
    columns = weight.t().contiguous().unsqueeze(1)
    out = weighted_sum(values.unsqueeze(1), columns, entries).squeeze(1)
    return out if bias is None else out + bias
