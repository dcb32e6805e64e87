"""Windows and grids: graphs whose edges are given by the offset of a source from its destination."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from graphattn.graph.axis_window import Reach
from graphattn.graph.memo import derived
from graphattn.graph.plot import Picture, Sight
from graphattn.graph.rule import GraphKind


class Neighborhood(GraphKind):
    """Windows and grids: along each axis, a position sees others by the rule of a `Reach`. Not built directly."""

    shapes: tuple[tuple[int, ...], ...]
    """The lengths of the axes of each graph."""
    reaches: tuple[Reach, ...]
    """The rule along each axis."""

    def _set_neighborhood(
        self, shapes: Sequence[tuple[int, ...]], reaches: Sequence[Reach], device: torch.device
    ) -> None:
        self.shapes, self.reaches = tuple(shapes), tuple(reaches)
        for shape in self.shapes:
            if 0 not in shape:
                for reach, length in zip(self.reaches, shape, strict=True):
                    reach.check(length)
        num_nodes = [math.prod(shape) for shape in self.shapes]
        self._set_packed(num_nodes, num_nodes, sum(map(self._num_pairs, self.shapes)), device)

    def _num_pairs(self, shape: tuple[int, ...]) -> int:
        return math.prod([reach.num_pairs(length) for reach, length in zip(self.reaches, shape, strict=True)])

    @property
    def offset_shape(self) -> tuple[int, ...]:
        """How many offsets there can be along each axis: the shape of a table of relative position biases.

        One for each step of the window; with border "shift", 2 · width - 1, for a window that has moved looks further
        to one side (NATTEN's table).
        """
        return tuple(reach.num_offsets for reach in self.reaches)

    @property
    def offset_index(self) -> Tensor:
        """The offset of each edge, as a place in a table of `offset_shape`, flattened; `[E]` int64. Made once.

        A relative position bias is a table of one number for each offset and head:

            edge_bias = table.flatten(0, -2)[graph.offset_index]    with table [*offset_shape, H]

        Along each axis the offset counts steps of `dilation` from the source furthest toward 0, so the node itself
        is at `kernel_size // 2` (in a window at the steps before it); with border "shift" at `kernel_size - 1`.

        >>> from graphattn.graph import window
        >>> graph = window(3, radius=1)
        >>> graph.edge_index[0] - graph.edge_index[1], graph.offset_index
        (tensor([ 0,  1, -1,  0,  1, -1,  0]), tensor([1, 2, 0, 1, 2, 0, 1]))
        """
        return derived(self, "offset_index", self._find_offsets)

    def _find_offsets(self) -> Tensor:
        src, dst = self.edge_index
        before = self.dst_ptr[self.batch][dst]  # the nodes before those of the same graph
        num_edges = [self._num_pairs(shape) for shape in self.shapes]
        pieces = zip(self.shapes, (src - before).split(num_edges), (dst - before).split(num_edges), strict=True)
        made = [self._offsets_within(*piece) for piece in pieces if piece[1].numel()]
        return torch.cat(made) if made else torch.empty_like(src)

    def _offsets_within(self, shape: tuple[int, ...], src: Tensor, dst: Tensor) -> Tensor:
        """The offsets of the edges of one graph, whose nodes are counted from 0."""
        index = torch.zeros_like(src)
        places = zip(torch.unravel_index(src, shape), torch.unravel_index(dst, shape), strict=True)
        for reach, length, (seen, position) in zip(self.reaches, shape, places, strict=True):
            index = index * reach.num_offsets + reach.offset_index(seen - position, length)
        return index

    def _picture(self) -> Picture:
        one = self.num_graphs == 1 and self.num_nodes > 0
        return super()._picture()._replace(sight=Sight(self.shapes[0], self._sees) if one else None)

    def _sees(self, node: int) -> tuple[Tensor, Tensor]:
        """The sources of a node, and the offset of each."""
        begin, end = self.csr.indptr[node : node + 2].tolist()
        return self.csr.indices[begin:end], self.offset_index[begin:end]
