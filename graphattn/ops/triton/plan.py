"""Which program computes which rows: bins of rows of similar degree, and pieces of rows too long for one program.

Made on the device of the graph the first time one of its compressed forms is met, which is the only time the host waits
for it; kept as long as that form, and used on every stream.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphattn.graph.memo import PerTensor
from graphattn.ops.triton.streams import lend

DEGREES = (4, 32, 512)
"""The largest degree of each bin; rows of more edges are cut into pieces of no more than the last."""


class Bin(NamedTuple):
    """Rows of like degree, in ascending order; all rows of the graph where `rows` is None."""

    degree: int  # none has more, but where the degrees were not looked at
    rows: Tensor | None
    size: int


class Pieces(NamedTuple):
    """Long rows cut up evenly: piece t holds the edges starts[t], …, stops[t] − 1 of node rows[t]."""

    starts: Tensor
    stops: Tensor
    rows: Tensor
    size: int
    hubs: Tensor  # the nodes cut up
    firsts: Tensor  # [hubs + 1]: where the pieces of each begin


class Plan(NamedTuple):
    """All rows of a graph, each in one bin or cut into pieces."""

    bins: tuple[Bin, ...]
    pieces: Pieces | None

    @property
    def tensors(self) -> list[Tensor]:
        """Everything that lies on the device."""
        return [x for x in chain(*self.bins, self.pieces or ()) if isinstance(x, Tensor)]

    def spans(self, indptr: Tensor) -> list[Span]:
        """The launches that go over all edges, the longest rows first."""
        spans = [Span(some.degree, some.size, False, indptr, None, some.rows) for some in reversed(self.bins)]
        if self.pieces is not None:
            starts, stops, rows, size, _, _ = self.pieces
            spans.insert(0, Span(DEGREES[-1], size, True, starts, stops, rows))
        return spans


class Span(NamedTuple):
    """What one launch of a kernel over edges goes over: a bin, or all pieces."""

    degree: int
    size: int
    pieces: bool
    starts: Tensor
    stops: Tensor | None
    rows: Tensor | None

    @property
    def arguments(self) -> dict[str, Any]:
        """As `tile.rows_of_program` takes them."""
        return {
            "starts": self.starts, "stops": self.stops, "rows": self.rows, "count": self.size, "PIECES": self.pieces
        }  # fmt: skip


_plans: PerTensor[Plan] = PerTensor()


def plan_of(indptr: Tensor, *others: Tensor | None) -> Plan:
    """The plan for rows whose edges begin at `indptr`, `[rows + 1]`; the same one for the same tensor.

    `others` belong to the compressed form of `indptr`, and are lent to the current stream with the plan.
    """
    if indptr.is_cuda and torch.cuda.is_current_stream_capturing() and _plans.find(indptr, None) is None:
        return Plan((Bin(DEGREES[1], None, indptr.numel() - 1),), None)  # nothing may be looked at
    plan = _plans.get(indptr, None, make_plan)
    lend(indptr, (indptr, *others, *plan.tensors))
    return plan


def make_plan(indptr: Tensor, skipped: Tensor | None = None) -> Plan:
    """Sort rows into bins by degree, and cut those above the last bin; leave out the rows `skipped`, `[rows]`."""
    degree = indptr.diff()
    bounds = torch.tensor(DEGREES, dtype=degree.dtype, device=degree.device)
    which = torch.bucketize(degree, bounds)
    if skipped is not None:
        which = which.masked_fill(skipped, len(DEGREES) + 1)
    longest = DEGREES[-1]
    parts = (degree + longest - 1) // longest * (which == len(DEGREES))
    counts = torch.bincount(which, minlength=len(DEGREES) + 2)
    *sizes, num_hubs, num_skipped, num_pieces = torch.cat([counts, parts.sum()[None]]).tolist()
    order = torch.sort(which.to(torch.uint8), stable=True).indices
    *rows, hubs, _ = order.split([*sizes, num_hubs, num_skipped])
    bins = tuple(
        Bin(most, None if size == degree.numel() else some.contiguous(), size)
        for most, some, size in zip(DEGREES, rows, sizes, strict=True)
        if size
    )
    return Plan(bins, _cut(indptr, hubs, parts, num_pieces) if num_hubs else None)


def _cut(indptr: Tensor, hubs: Tensor, parts: Tensor, num_pieces: int) -> Pieces:
    """Piece p of n of a row with `degree` edges begins at edge degree · p // n."""
    parts = parts[hubs].long()
    first, degree = indptr[:-1][hubs].long(), indptr.diff()[hubs].long()
    firsts = torch.cat([parts.new_zeros(1), parts.cumsum(0)])
    hub = torch.repeat_interleave(parts, output_size=num_pieces)
    part = torch.arange(num_pieces, device=indptr.device) - firsts[hub]
    starts, stops = (first[hub] + degree[hub] * p // parts[hub] for p in (part, part + 1))
    dtype = indptr.dtype
    return Pieces(starts.to(dtype), stops.to(dtype), hubs[hub].contiguous(), num_pieces, hubs.contiguous(), firsts)
