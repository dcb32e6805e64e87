"""Reductions over the edges of each destination, for edges ordered by destination.

torch-scatter serves them where it is installed, torch alone otherwise and in code that is compiled or transformed,
for which torch-scatter cannot be seen into; both add in a fixed order on a CPU.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graphattn.graph.torch_modes import has_values, is_plain


@dataclass(frozen=True, eq=False)
class Rows:
    """Which destination each edge belongs to, edges ordered by destination."""

    index: Tensor  # [E], non-decreasing
    indptr: Tensor  # [M + 1]

    @property
    def num_rows(self) -> int:
        """M, the number of destinations."""
        return self.indptr.numel() - 1

    def sum(self, values: Tensor) -> Tensor:
        """Σ over each row's edges, `[M, …]`; zero for a row without edges."""
        if is_plain() and has_values(values) and _torch_scatter() is not None:
            return _SegmentSum.apply(values, self.index, self.indptr)
        zeros = values.new_zeros((self.num_rows, *values.shape[1:]))
        return zeros.index_add(0, self.index, values)

    def max(self, values: Tensor) -> Tensor:
        """The largest of each row's edges, `[M, …]`, without gradient; −inf for a row without edges."""
        values = values.detach()
        lowest = values.new_full((self.num_rows, *values.shape[1:]), -torch.inf)
        index = self.index.long().view(-1, *[1] * (values.ndim - 1)).expand_as(values)
        return lowest.scatter_reduce(0, index, values, "amax")

    def spread(self, values: Tensor) -> Tensor:
        """Each row's value at each of its edges, `[E, …]`."""
        return values.index_select(0, self.index)


class _SegmentSum(torch.autograd.Function):
    """torch-scatter's sum with a backward of our own, for its own has no second derivative and does not say so."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, index: Tensor, indptr: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        return _torch_scatter().segment_csr(values, indptr.long(), reduce="sum")

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (index,) = ctx.saved_tensors
        return grad.index_select(0, index), None, None


@functools.cache
def _torch_scatter() -> Any:
    """The torch_scatter module, or None where it is not installed or was built for another torch."""
    try:
        import torch_scatter
    except (ImportError, OSError):
        return None
    return torch_scatter
