"""The Graph of an edge_index inside a compiled program, where the values of the edges are known only at run time."""

from __future__ import annotations

import torch
from torch import Tensor

from graphattn.graph.compressed import Compressed, index_dtype
from graphattn.graph.graph import Graph

# The compressed form of `edge_index` as the program runs: checked, sorted and kept for that tensor by `as_graph`, as
# without a compiler, and copied, for a program may write into what it is given.
torch.library.define(
    "graphattn::compressed",
    "(Tensor edge_index, SymInt num_dst, SymInt num_src, bool looped, bool reversed, bool by_source, "
    "ScalarType dtype) -> (Tensor indptr, Tensor indices, Tensor perm)",
)


@torch.library.register_fake("graphattn::compressed")
def _fake(
    edge_index: Tensor, num_dst: int, num_src: int, looped: bool, reversed: bool, by_source: bool, dtype: torch.dtype
) -> tuple[Tensor, ...]:
    num_edges = edge_index.shape[1] + (min(num_dst, num_src) if looped else 0)
    num_rows = num_dst if by_source == reversed else num_src
    return tuple(edge_index.new_empty(size, dtype=dtype) for size in (num_rows + 1, num_edges, num_edges))


class TracedGraph(Graph):
    """A graph met by `torch.compile` on a CPU; not built directly.

    Its compressed forms are made when the program first meets a tensor and not at each of its runs. Nodes outside the
    graph are refused then. (On a GPU the program sorts the edges itself, so that it can be captured as a CUDA graph.)
    """

    def __init__(
        self, given: Tensor, num_dst: int, num_src: int, *, looped: bool = False, reversed: bool = False
    ) -> None:
        edge_index = given.to(torch.int64)
        if looped:
            edge_index = torch.cat(
                [edge_index, torch.arange(min(num_dst, num_src), device=given.device).expand(2, -1)], dim=1
            )
        if reversed:
            edge_index = edge_index.flip(0)
        ends = (num_src, num_dst) if reversed else (num_dst, num_src)
        self._set(*ends, edge_index.size(1), edge_index.device)
        self._edge_index = edge_index
        self._given = given, num_dst, num_src
        self._is_looped, self._is_reversed = looped, reversed

    def _make_csr(self) -> Compressed:
        return self._compressed(by_source=False)

    def _make_csc(self) -> Compressed:
        return self._compressed(by_source=True)

    def _compressed(self, *, by_source: bool) -> Compressed:
        dtype = index_dtype(self.num_dst, self.num_src, self.num_edges)
        operator = torch.ops.graphattn.compressed.default
        return Compressed(*operator(*self._given, self._is_looped, self._is_reversed, by_source, dtype))

    def reverse(self) -> Graph:
        """The graph in which every edge points the other way."""
        return TracedGraph(*self._given, looped=self._is_looped, reversed=not self._is_reversed)

    def append_self_loops(self) -> Graph:
        """The graph with one self-loop more at each node."""
        return TracedGraph(*self._given, looped=True, reversed=self._is_reversed)
