"""Reductions over the edges of each destination, for edges ordered by destination.

torch-scatter serves them where it is installed, torch alone otherwise; both add in a fixed order on a CPU.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Rows(NamedTuple):
    """Which destination each edge belongs to, edges ordered by destination."""

    index: Tensor  # [E], non-decreasing
    indptr: Tensor  # [M + 1]

    @property
    def num_rows(self) -> int:
        """M, the number of destinations."""
        return self.indptr.numel() - 1

    def sum(self, values: Tensor) -> Tensor:
        """Σ over each row's edges, `[M, …]`; zero for a row without edges."""
        scatter = _torch_scatter()
        if scatter is not None:
            return scatter.segment_csr(values, self.indptr.long(), reduce="sum")
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


@functools.cache
def _torch_scatter() -> Any:
    """The torch_scatter module, or None where it is not installed or was built for another torch."""
    try:
        import torch_scatter
    except (ImportError, OSError):
        return None
    return torch_scatter
