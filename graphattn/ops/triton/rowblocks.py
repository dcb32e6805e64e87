"""Windows of 16 rows whose edges lead to few columns, so that one program fetches each of these once for all its rows.

The reuse of a window is its edges over its different columns: how often a program that walks over single rows fetches
what a program that owns the window fetches once. Windows with enough of it are *dense*; all other rows go the way of
`plan`. Like a plan, windows are found on the device of the graph the first time one of its compressed forms is met,
for which the host waits once, and kept as long as that form.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from graphattn.graph.memo import PerTensor
from graphattn.ops.triton.plan import Plan, make_plan
from graphattn.ops.triton.streams import lend

ROWS = 16
"""Rows of a window: the least that a tensor core multiplies, and rows enough for a mask of bits."""
ENOUGH = 2.0
"""The least reuse of a dense window.

A byte costs a window more than a row: published kernels on windows reach about half of the bandwidth of memory, where
a walk over rows is to reach three quarters of it, and 1.3 times that where it finds rows in the L2 cache, as it often
does in dense graphs: 0.75 · 1.3 / 0.5 ≈ 2. These are figures of others; ours have not been measured.
"""
SHARE = 0.5
"""The least share of the edges in dense windows. Of the rows that a backward pass fetches, 3 for each edge, windows of
reuse r leave 4 / r for each of their edges and 4 for each other, because they keep no gradient of a score: never more
than 3 if half of the edges have a reuse of 2.
"""
MOST_COLUMNS = 4096
"""Of a dense window: wider ones would keep one program busy while the others are done; `plan` cuts their rows."""


class Windows(NamedTuple):
    """The dense windows of a graph, widest first, and the plan for all rows outside them.

    Window t has the rows 16 · ids[t], …, 16 · ids[t] + 15 and the columns columns[starts[t]:stops[t]], ascending, each
    once. Bit r of a column's mask says whether row r has an edge to it. No dense window has an edge twice.
    """

    ids: Tensor
    starts: Tensor
    stops: Tensor
    columns: Tensor
    masks: Tensor
    order: Tensor | None  # [E]: the place of the n-th edge of a row by column is order[indptr[row] + n]; None if n-th
    rest: Plan
    num_edges: int  # in dense windows

    @property
    def nbytes(self) -> int:
        """What is kept beside the plan: 8 for each column, and 4 for each edge where rows are not sorted by column."""
        return sum(x.numel() * x.element_size() for x in self[:6] if x is not None)


_windows: PerTensor[Windows | None] = PerTensor()


def windows_of(indptr: Tensor, indices: Tensor, num_columns: int, *others: Tensor | None) -> Windows | None:
    """The dense windows of a compressed form with so many columns, the same ones for the same `indptr`; None if few.

    `others` belong to the compressed form too, and are lent to the current stream with the windows.
    """
    if indptr.is_cuda and torch.cuda.is_current_stream_capturing() and _windows.find(indptr, num_columns) is None:
        return None  # nothing may be looked at
    windows = _windows.get(indptr, num_columns, lambda indptr: _find_with_room(indptr, indices, num_columns))
    if windows is not None:
        lend(windows.ids, (indptr, indices, *others, *windows[:6], *windows.rest.tensors))
    return windows


def _find_with_room(indptr: Tensor, indices: Tensor, num_columns: int) -> Windows | None:
    try:
        return find_windows(indptr, indices, num_columns)
    except torch.OutOfMemoryError:  # of sorting the edges; rows need none
        return None


def find_windows(indptr: Tensor, indices: Tensor, num_columns: int) -> Windows | None:
    """Sort the edges by window, column and row, and keep the columns of dense windows."""
    num_rows, num_edges = indptr.numel() - 1, indices.numel()
    if num_edges == 0:
        return None
    device, dtype = indptr.device, indptr.dtype
    row = torch.arange(num_rows, device=device).repeat_interleave(indptr.diff(), output_size=num_edges)
    key = torch.sort((row // ROWS * num_columns + indices) * ROWS + row % ROWS).values
    column = key // ROWS  # numbered through all windows
    first = _differs(column)
    bounds = torch.cat([indptr[:-1:ROWS], indptr[-1:]]).long()
    edges, pairs, width = bounds.diff(), _count(_differs(key), bounds), _count(first, bounds)
    dense = (edges > 0) & (edges >= ENOUGH * width) & (edges == pairs) & (width <= MOST_COLUMNS)
    unsorted = ((indices[1:] < indices[:-1]) & (row[1:] == row[:-1])).any()
    width = width * dense
    numbers = torch.stack([dense.sum(), width.sum(), (edges * dense).sum(), unsorted]).tolist()
    num_windows, num_kept, num_covered, must_order = numbers
    if num_windows == 0 or num_covered < SHARE * num_edges:
        return None
    ids = torch.sort(width, stable=True, descending=True).indices[:num_windows]
    starts = (width.cumsum(0) - width)[ids]
    kept = first & dense[column // num_columns]
    at = torch.searchsorted(kept.cumsum(0), torch.arange(1, num_kept + 1, device=device))  # first edges of columns
    number = first.cumsum(0)
    behind = torch.searchsorted(number, number[at] + 1)
    bits = torch.cat([key.new_zeros(1), (1 << key % ROWS).cumsum(0)])
    order = torch.sort(row * num_columns + indices, stable=True).indices.to(dtype) if must_order else None
    return Windows(
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
