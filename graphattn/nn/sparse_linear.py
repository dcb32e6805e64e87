"""A linear map of rows that are mostly zeros, and dropout on what is not zero in them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphattn.graph import Graph
from graphattn.nn.functional.edge_weights import weighted_sum


def is_sparse(x: Tensor) -> bool:
    """Whether `x` is a matrix in compressed sparse row form, `torch.sparse_csr`."""
    return x.layout is torch.sparse_csr


def sparse_dropout(x: Tensor, p: float, training: bool = True) -> Tensor:
    """Dropout that draws for the stored entries of a CSR matrix alone: a zero stays one either way.

    Args:
        x: `[N, F]`, `torch.sparse_csr`.
        p: probability of an entry to become 0; the others are divided by 1 − p.
        training: whether to do anything.
    """
    if not training or p == 0:
        return x
    return torch.sparse_csr_tensor(
        x.crow_indices(), x.col_indices(), F.dropout(x.values(), p), x.shape, check_invariants=False
    )


class SparseRows:
    """The graph of a CSR matrix: an edge from column to row for each entry, made once for each pattern of entries."""

    def __init__(self) -> None:
        self._pattern: tuple[Tensor, Tensor] | None = None
        self._graph: Graph | None = None

    def __call__(self, x: Tensor) -> Graph:
        """Return the graph with `num_src = F` and `num_dst = N`, its edges in the order of the entries."""
        rows, columns = x.crow_indices(), x.col_indices()
        if self._graph is None or self._pattern is None or not _same(self._pattern, (rows, columns)):
            row = torch.repeat_interleave(torch.arange(x.shape[0], device=x.device), rows.diff().long())
            self._graph = Graph(torch.stack([columns.long(), row]), num_dst=x.shape[0], num_src=x.shape[1])
            self._pattern = (rows, columns)
        return self._graph

    def __deepcopy__(self, memo: dict[int, object]) -> SparseRows:
        return SparseRows()  # a cache, which a copy fills anew


class SparseLinear(nn.Linear):
    """`torch.nn.Linear` that takes rows in compressed sparse row form too.

        y = x Wᵀ + b

    A product with a sparse `x` costs (entries · out_features) operations, forward and backward. No gradient reaches
    `x` where it is sparse.

    Args:
        in_features: width F of the input.
        out_features: width of the output.
        bias: add a learned bias.
        rows: keeps the graph of `x`; give the same to all layers that read the same `x`.

    Shapes:
        x `[N, F]`, strided or `torch.sparse_csr` → `[N, out_features]`.
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, rows: SparseRows | None = None
    ) -> None:
        super().__init__(in_features, out_features, bias)
        self.rows = SparseRows() if rows is None else rows

    def forward(self, x: Tensor) -> Tensor:
        """Return the mapped rows."""
        if not is_sparse(x):
            return super().forward(x)
        columns = self.weight.t().contiguous().unsqueeze(1)
        out = weighted_sum(x.values().unsqueeze(1), columns, self.rows(x)).squeeze(1)
        return out if self.bias is None else out + self.bias


def _same(before: tuple[Tensor, Tensor], now: tuple[Tensor, Tensor]) -> bool:
    return all(
        a.data_ptr() == b.data_ptr() and a.shape == b.shape and a._version == b._version and a.device == b.device
        for a, b in zip(before, now, strict=True)
    )
