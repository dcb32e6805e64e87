"""The union of graphs: several sets of edges laid over one set of nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from graphattn.graph.batch import check_together
from graphattn.graph.graph import Graph
from graphattn.graph.memo import derived
from graphattn.graph.plot import Picture
from graphattn.graph.tiles import Tiled

if TYPE_CHECKING:
    from typing_extensions import Self

Overlap = Literal["once", "add"]


class Union(Graph):
    """The edges of all `parts` over the same nodes; built by `union`.

    The edges of the first part come first, in its own order, then those of the second that are kept, ...
    """

    parts: tuple[Graph, ...]
    overlap: Overlap

    def __init__(self, parts: Sequence[Graph], overlap: Overlap = "once") -> None:
        self.parts = tuple(parts)
        self.overlap = overlap
        self._kept: tuple[Tensor, ...] | None = None
        first = self.parts[0]
        # How many edges overlap is known only when they are made.
        num_edges = sum(part.num_edges for part in self.parts) if overlap == "add" or len(parts) == 1 else None
        self._set(first.num_dst, first.num_src, num_edges, first.device)

    @property
    def kept(self) -> tuple[Tensor, ...]:
        """For each part, the ids of its edges that are in the union, `[E_part]` int64.

        Edge features of the union are `torch.cat([feature[ids] for feature, ids in zip(features, kept)])`.
        """
        if self._kept is None:
            if self.overlap == "add":
                self._kept = tuple(torch.arange(part.num_edges, device=self.device) for part in self.parts)
            else:
                self._kept = self._find_new()
        return self._kept

    @property
    def disjoint(self) -> tuple[tuple[Graph, slice | Tensor], ...]:
        """The union as graphs without a common edge, each with the ids of its edges, made once and kept.

        Parts that have tiles stay what they are, the largest first, as long as none has an edge of another; the edges
        of all others are one graph.
        """
        return derived(self, "disjoint", self._make_disjoint)

    def _make_disjoint(self) -> tuple[tuple[Graph, slice | Tensor], ...]:
        whole: list[tuple[Graph, slice | Tensor]] = []
        free = torch.ones(self.num_edges, dtype=torch.bool, device=self.device)
        for part, ids in self._tiled():
            if part.num_edges and bool(free[ids].all()):
                free[ids] = False
                whole.append((part, ids))
        rest = free.nonzero().squeeze(1)
        if rest.numel():
            whole.append((Graph(self.edge_index[:, rest], num_dst=self.num_dst, num_src=self.num_src), rest))
        return tuple(whole)

    def _tiled(self) -> Iterator[tuple[Graph, slice | Tensor]]:
        """The parts that have tiles, the largest first, and where in the union their edges are."""
        first = list(accumulate((part.num_edges for part in self.parts), initial=0))
        found = [number for number, part in enumerate(self.parts) if isinstance(part, Tiled)]
        found.sort(key=lambda number: -self.parts[number].num_edges)
        numbers = None
        for number in found:
            part = self.parts[number]
            if self.overlap == "add" or number == 0:
                yield part, slice(first[number], first[number] + part.num_edges)
                continue
            if numbers is None:
                numbers = self._numbers(self).sort(stable=True)
            yield part, numbers.indices[torch.searchsorted(numbers.values, self._numbers(part))]

    def _numbers(self, part: Graph) -> Tensor:
        """A number for each edge that identifies its source and destination."""
        src, dst = part.edge_index
        return dst * self.num_src + src

    def _find_new(self) -> tuple[Tensor, ...]:
        """For each part, the edges that are in no earlier part."""
        kept: list[Tensor] = []
        seen = torch.empty(0, dtype=torch.int64, device=self.device)
        for part in self.parts:
            edge = self._numbers(part)
            kept.append(torch.isin(edge, seen, invert=True).nonzero().squeeze(1))
            seen = torch.cat([seen, edge])
        return tuple(kept)

    def _make_edge_index(self) -> Tensor:
        return torch.cat([part.edge_index[:, ids] for part, ids in zip(self.parts, self.kept, strict=True)], dim=1)

    def _map(self, change: Callable[[Tensor], Tensor], device: torch.device) -> Self:
        graph = super()._map(change, device)
        graph.parts = tuple(part._map(change, device) for part in self.parts)
        graph._kept = None if self._kept is None else tuple(change(ids) for ids in self._kept)
        return graph

    def _picture(self) -> Picture:
        layers = tuple((type(part).__name__, lambda part=part: part.edge_index) for part in self.parts)
        return super()._picture()._replace(follows_rule=True, layers=layers)

    def _describe(self) -> str:
        return f"{super()._describe()}, num_parts={len(self.parts)}, overlap={self.overlap!r}"


def union(*graphs: Graph, overlap: str = "once") -> Union:
    """The graphs laid over one another: one node set, all the edges.

    N(i) = N_0(i) ∪ N_1(i) ∪ ...

    BigBird, for example, is the union of a window, a few hubs that see and are seen by all, and random edges.

    Args:
        *graphs: one graph or more, with as many destinations and as many sources, on one device.
        overlap: "once" drops an edge that an earlier graph has too; copies of an edge within one graph stay.
            "add" keeps all, so an edge in two graphs counts twice.

    Returns:
        The union. Edges are not made before they, or with "once" their number, are asked for.

    Raises:
        TypeError: something else than a `Graph` is among them.
        ValueError: there is none, their sizes or devices differ, or `overlap` is neither.

    Example:
        >>> import torch
        >>> from graphattn.graph import window
        >>> hub = Graph(torch.tensor([[0, 0, 0], [0, 1, 2]]))
        >>> both = union(window(3, radius=1, causal=True), hub)
        >>> both.edge_index
        tensor([[0, 0, 1, 1, 2, 0],
                [0, 1, 1, 2, 2, 2]])
        >>> both.kept
        (tensor([0, 1, 2, 3, 4]), tensor([2]))
    """
    if overlap not in ("once", "add"):
        raise ValueError(f"overlap must be 'once' or 'add', got {overlap!r}")
    for graph in graphs:
        if not isinstance(graph, Graph):
            raise TypeError(f"union takes Graph objects, got {type(graph).__name__}")
    check_together("graphs", graphs)
    sizes = [(graph.num_dst, graph.num_src) for graph in graphs]
    if len(set(sizes)) > 1:
        raise ValueError(f"graphs must have the same (num_dst, num_src), got {' and '.join(map(str, sizes))}")
    return Union(graphs, "once" if overlap == "once" else "add")
