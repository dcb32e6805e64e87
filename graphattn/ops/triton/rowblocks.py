"""Rowblocks: 16 rows whose edges lead to few columns, so that one program fetches each column once for all its rows.

The reuse of a rowblock is its number of edges divided by its number of different columns: how often a program that
walks over single rows fetches what a program that owns the rowblock fetches once. Rowblocks with enough reuse are
*dense*; all other rows are handled by `plan`. Like a plan, rowblocks are found on the device of the graph the first
time one of its compressed forms is used, for which the host waits once, and are kept as long as that form.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from graphattn.graph.memo import PerTensor
from graphattn.ops.triton.plan import Plan, make_plan
from graphattn.ops.triton.streams import lend

ROWS = 16
"""Rows of a rowblock: the least that a tensor core multiplies, and rows enough for a mask of bits."""
ENOUGH = 2.0
"""The least reuse of a dense rowblock.

A byte costs a rowblock more than it costs a row: published kernels on such blocks reach about half of the memory
bandwidth, whereas a walk over rows should reach three quarters of it, and 1.3 times that where it finds rows in the L2
cache, as it often does in dense graphs: 0.75 · 1.3 / 0.5 ≈ 2. These figures are taken from others; ours have not been
measured.
"""
SHARE = 0.5
"""The least share of the edges in dense rowblocks.

A backward pass over rows fetches 3 rows for each edge. With rowblocks of reuse r it fetches 4 / r for each edge inside
and 4 for each edge outside, because no gradient of a score is kept: never more than 3 if half of the edges have a reuse
of 2.
"""
MOST_COLUMNS = 4096
"""The most columns of a dense rowblock: wider ones would keep one program busy long after the others end."""


class Rowblocks(NamedTuple):
    """The dense rowblocks of a graph, widest first, and the plan for all rows outside them.

    Rowblock t has the rows 16 · ids[t], …, 16 · ids[t] + 15 and the columns columns[starts[t]:stops[t]], in ascending
    order, each once. Bit r of a column's mask says whether row r has an edge to it. None has an edge twice.
    """

    ids: Tensor
    starts: Tensor
    stops: Tensor
    columns: Tensor
    masks: Tensor
    order: Tensor | None  # [E]: the place of the n-th edge of a row by column is order[indptr[row] + n]; None if n-th
    rest: Plan
    num_edges: int  # in dense rowblocks

    @property
    def nbytes(self) -> int:
        """What is kept beside the plan: 8 for each column, and 4 for each edge where rows are not sorted by column."""
        return sum(x.numel() * x.element_size() for x in self[:6] if x is not None)


_rowblocks: PerTensor[Rowblocks | None] = PerTensor()


def rowblocks_of(indptr: Tensor, indices: Tensor, num_columns: int, *others: Tensor | None) -> Rowblocks | None:
    """The dense rowblocks of a compressed form with so many columns, the same ones for the same `indptr`; None if few.

    `others` belong to the compressed form too, and are lent to the current stream with the rowblocks.
    """
    if indptr.is_cuda and torch.cuda.is_current_stream_capturing() and _rowblocks.find(indptr, num_columns) is None:
        return None  # nothing may be looked at
    rowblocks = _rowblocks.get(indptr, num_columns, lambda indptr: _find_with_room(indptr, indices, num_columns))
    if rowblocks is not None:
        lend(rowblocks.ids, (indptr, indices, *others, *rowblocks[:6], *rowblocks.rest.tensors))
    return rowblocks


def _find_with_room(indptr: Tensor, indices: Tensor, num_columns: int) -> Rowblocks | None:
    try:
        return find_rowblocks(indptr, indices, num_columns)
    except torch.OutOfMemoryError:  # of sorting the edges; rows need none
        return None


def find_rowblocks(indptr: Tensor, indices: Tensor, num_columns: int) -> Rowblocks | None:
    """Sort the edges by rowblock, column and row, and keep the columns of dense rowblocks."""
    num_rows, num_edges = indptr.numel() - 1, indices.numel()
    if num_edges == 0:
        return None
    device, dtype = indptr.device, indptr.dtype
    row = torch.arange(num_rows, device=device).repeat_interleave(indptr.diff(), output_size=num_edges)
    key = torch.sort((row // ROWS * num_columns + indices) * ROWS + row % ROWS).values
    column = key // ROWS  # numbered through all rowblocks
    first = _differs(column)
    bounds = torch.cat([indptr[:-1:ROWS], indptr[-1:]]).long()
    edges, pairs, width = bounds.diff(), _count(_differs(key), bounds), _count(first, bounds)
    dense = (edges > 0) & (edges >= ENOUGH * width) & (edges == pairs) & (width <= MOST_COLUMNS)
    unsorted = ((indices[1:] < indices[:-1]) & (row[1:] == row[:-1])).any()
    width = width * dense
    numbers = torch.stack([dense.sum(), width.sum(), (edges * dense).sum(), unsorted]).tolist()
    num_rowblocks, num_kept, num_covered, must_order = numbers
    if num_rowblocks == 0 or num_covered < SHARE * num_edges:
        return None
    ids = torch.sort(width, stable=True, descending=True).indices[:num_rowblocks]
    starts = (width.cumsum(0) - width)[ids]
    kept = first & dense[column // num_columns]
    at = torch.searchsorted(kept.cumsum(0), torch.arange(1, num_kept + 1, device=device))  # first edges of columns
    number = first.cumsum(0)
    behind = torch.searchsorted(number, number[at] + 1)
    bits = torch.cat([key.new_zeros(1), (1 << key % ROWS).cumsum(0)])
    order = torch.sort(row * num_columns + indices, stable=True).indices.to(dtype) if must_order else None
    return Rowblocks(
        ids.to(dtype), starts.to(dtype), (starts + width[ids]).to(dtype), (column[at] % num_columns).to(dtype),
        (bits[behind] - bits[at]).int(), order,
        make_plan(indptr, dense.repeat_interleave(ROWS)[:num_rows]), num_covered,
    )  # fmt: skip


def _differs(numbers: Tensor) -> Tensor:
    """Whether each number is the first of its kind, of sorted ones."""
    return torch.cat([numbers.new_ones(1, dtype=torch.bool), numbers[1:] != numbers[:-1]])


def _count(flags: Tensor, bounds: Tensor) -> Tensor:
    """How many flags are set between each two bounds."""
    return torch.cat([bounds.new_zeros(1), flags.cumsum(0)])[bounds].diff()
