"""A graph given by a rule cut into tiles: runs of destinations that see almost the same sources.

A tile is a small dense problem. In a window or a grid, neighboring destinations see neighboring sources, so that a
tile's sources are hardly more than what one destination sees; nothing of the size of the edges is made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphattn.graph.axis_window import Reach
from graphattn.graph.bipartite import Bipartite
from graphattn.graph.causal import Causal
from graphattn.graph.complete import Complete
from graphattn.graph.graph import Graph
from graphattn.graph.grid import Grid
from graphattn.graph.memo import derived
from graphattn.graph.window import Window

_ROWS = 256  # destinations in a tile of a graph in which all see nearly all
_FEWEST = 128  # destinations in a tile of a window or a grid: fewer make matrices too small to multiply fast


Tiled = Complete | Causal | Bipartite | Window | Grid
"""The kinds of graph that have tiles."""


class Tiles(NamedTuple):
    """Tiles of one size and one mask: in each, row a attends to column b where the mask says so."""

    queries: Tensor
    """The destinations of each tile, `[tiles, B]` int64; each destination is in one tile of the graph."""
    sources: Tensor
    """The sources that any of them attends to, `[tiles, S]` int64, ascending."""
    seen: Tensor | None
    """The mask, `[B, S]` bool; None if every row attends to every column."""

    @property
    def num_pairs(self) -> int:
        """The number of pairs (destination, source) in the tiles, masked ones included."""
        return self.queries.numel() * self.sources.shape[1]

    @property
    def num_edges(self) -> int:
        """The number of pairs that are edges."""
        return self.num_pairs if self.seen is None else self.queries.shape[0] * int(self.seen.sum())


def tiles(graph: Graph) -> tuple[Tiles, ...] | None:
    """The tiles of a graph, made once and kept; None for a graph that no rule gives.

    Example:
        >>> from graphattn.graph import window
        >>> [tuple(part.sources.shape) for part in tiles(window(1024, radius=128))]  # two ends, and the tiles between
        [(1, 256), (6, 384), (1, 256)]
    """
    if not isinstance(graph, Tiled):
        return None
    return derived(graph, "tiles", lambda: _make(graph))


def _make(graph: Tiled) -> tuple[Tiles, ...]:
    made: list[Tiles] = []
    first_dst: dict[object, list[int]] = {}  # where the graphs of each size begin
    first_src: dict[object, list[int]] = {}
    dst = src = 0
    for size, num_dst, num_src in zip(graph.sizes, graph.dst_sizes, graph.src_sizes, strict=True):
        if num_dst and num_src:
            first_dst.setdefault(size, []).append(dst)
            first_src.setdefault(size, []).append(src)
        dst, src = dst + num_dst, src + num_src
    for size, begins in first_dst.items():
        for part in _of_one(graph, size):
            queries = torch.tensor(begins, device="cpu").view(-1, 1, 1) + part.queries
            sources = torch.tensor(first_src[size], device="cpu").view(-1, 1, 1) + part.sources
            seen = None if part.seen is None or bool(part.seen.all()) else part.seen.to(graph.device)
            made.append(Tiles(queries.flatten(0, 1).to(graph.device), sources.flatten(0, 1).to(graph.device), seen))
    return tuple(made)


def _of_one(graph: Graph, size: Any) -> list[Tiles]:
    """The tiles of one graph of some size."""
    if isinstance(graph, Window | Grid):
        reaches = graph.reaches
        shape = size if isinstance(size, tuple) else (size,)
        fewest = math.ceil(_FEWEST ** (1 / len(shape)))
        axes = [
            _along_axis(reach, length, max(reach.width // 4, fewest))
            for reach, length in zip(reaches, shape, strict=True)
        ]
        return [_over_axes(parts, shape) for parts in product(*axes)]
    num_dst, num_src = size if isinstance(size, tuple) else (size, size)
    return _row_blocks(num_dst, num_src, isinstance(graph, Causal))


def _row_blocks(num_dst: int, num_src: int, causal: bool) -> list[Tiles]:
    made = []
    for first in range(0, num_dst, _ROWS):
        rows = torch.arange(first, min(first + _ROWS, num_dst), device="cpu")
        columns = torch.arange(int(rows[-1]) + 1 if causal else num_src, device="cpu")
        seen = columns <= rows.unsqueeze(1) if causal else None
        made.append(Tiles(rows.unsqueeze(0), columns.unsqueeze(0), seen))
    return made


def _along_axis(reach: Reach, length: int, most: int) -> list[Tiles]:
    """Tiles of at most so many positions of an axis, alike ones together.

    Positions `dilation` apart see nearly the same, so a tile holds those.
    """
    alike: dict[object, tuple[list[Tensor], list[Tensor], Tensor]] = {}
    for phase in range(min(reach.dilation, length)):
        for positions in torch.arange(phase, length, reach.dilation, device="cpu").split(most):
            first, count = reach.start_and_count(positions, length)
            last = first + reach.dilation * (count - 1)
            sources = torch.arange(int(first.min()), int(last.max()) + 1, reach.dilation, device="cpu")
            place = torch.arange(sources.numel(), device="cpu")
            if reach.border == "periodic":  # positions past an end are met again at the other
                distinct, place = sources.remainder(length).unique(return_inverse=True)
                key = (tuple((first - positions).tolist()), tuple(place.tolist()))
            else:
                distinct = sources
                key = (tuple((first - sources[0]).tolist()), tuple(count.tolist()))
            if key not in alike:
                within = (sources >= first.unsqueeze(1)) & (sources <= last.unsqueeze(1))
                seen = torch.zeros(positions.numel(), distinct.numel(), dtype=torch.int64, device="cpu")
                alike[key] = [], [], seen.index_add_(1, place, within.long()) > 0
            alike[key][0].append(positions)
            alike[key][1].append(distinct)
    return [Tiles(torch.stack(queries), torch.stack(sources), seen) for queries, sources, seen in alike.values()]


def _over_axes(parts: Sequence[Tiles], shape: tuple[int, ...]) -> Tiles:
    """Tiles of a grid, from those along its axes: every combination, cells numbered in row-major order."""
    queries = sources = torch.zeros(1, 1, dtype=torch.int64, device="cpu")
    seen = torch.ones(1, 1, dtype=torch.bool, device="cpu")
    for part, length in zip(parts, shape, strict=True):
        queries = _pair(queries * length, part.queries)
        sources = _pair(sources * length, part.sources)
        assert part.seen is not None
        seen = (seen[:, None, :, None] & part.seen[None, :, None, :]).flatten(2).flatten(0, 1)
    return Tiles(queries, sources, seen)


def _pair(outer: Tensor, inner: Tensor) -> Tensor:
    """Sums of each number of `[T, B]` with each of `[T', B']`: `[T·T', B·B']`."""
    return (outer[:, None, :, None] + inner[None, :, None, :]).flatten(2).flatten(0, 1)
