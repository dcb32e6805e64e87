"""The complete bipartite graph: every destination sees every source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import SupportsIndex

import torch

from graphattn.graph.checks import as_device
from graphattn.graph.compressed import Compressed
from graphattn.graph.plot import Picture
from graphattn.graph.rule import GraphKind, as_sizes


class Bipartite(GraphKind):
    """Complete bipartite graphs, packed; `sizes` holds pairs (destinations, sources). Built by `bipartite`."""

    def __init__(self, sizes: Sequence[tuple[int, int]], *, device: torch.device | str | int = "cpu") -> None:
        self.sizes = tuple(sizes)
        self._set_packed(
            [num_dst for num_dst, _ in self.sizes],
            [num_src for _, num_src in self.sizes],
            sum(num_dst * num_src for num_dst, num_src in self.sizes),
            as_device(device),
        )

    def _make_csr(self) -> Compressed:
        src_ptr, graph = self.src_ptr, self.batch
        return self._from_ranges(src_ptr[graph], src_ptr.diff()[graph])

    def _picture(self) -> Picture:
        return super()._picture()._replace(two_sets=True)

    def _describe(self) -> str:
        prefix = "" if self.num_graphs == 1 else f"num_graphs={self.num_graphs}, "
        return f"{prefix}num_dst={self.num_dst}, num_src={self.num_src}"


def bipartite(
    num_dst: SupportsIndex | Iterable[SupportsIndex],
    num_src: SupportsIndex | Iterable[SupportsIndex],
    *,
    device: torch.device | str | int = "cpu",
) -> Bipartite:
    """The complete bipartite graph: cross-attention from decoder to encoder, or from a query to a memory.

    N(i) = { 0, ..., num_src - 1 },   E = num_dst · num_src

    Args:
        num_dst: the number of destinations (queries), or those of a batch of such graphs.
        num_src: the number of sources (keys), or those of a batch, as many.
        device: where its tensors will be.

    Raises:
        TypeError: a size is no integer.
        ValueError: a size is negative, or there are not as many `num_dst` as `num_src`.

    Example:
        >>> bipartite(2, 3).edge_index
        tensor([[0, 1, 2, 0, 1, 2],
                [0, 0, 0, 1, 1, 1]])
        >>> bipartite([2, 1], [3, 4])
        Bipartite(num_graphs=2, num_dst=3, num_src=7, num_edges=10)
    """
    dst_sizes, src_sizes = as_sizes("num_dst", num_dst), as_sizes("num_src", num_src)
    if len(dst_sizes) != len(src_sizes):
        raise ValueError(
            f"num_dst and num_src must have one size for each graph, got {len(dst_sizes)} and {len(src_sizes)} sizes"
        )
    return Bipartite(list(zip(dst_sizes, src_sizes, strict=True)), device=device)
