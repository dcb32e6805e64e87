"""Several graphs packed one after another into one graph, as in a PyG batch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor

from graphattn.graph.graph import Graph
from graphattn.graph.plot import Picture


class Packed(Graph):
    """A disjoint union of `num_graphs` graphs: the nodes of the first come first, then those of the second, ...

    The base class of `Batch` and of the kinds of graph that are given by a rule; not built directly.
    """

    dst_sizes: tuple[int, ...]
    """The number of destinations of each graph."""
    src_sizes: tuple[int, ...]
    """The number of sources of each graph."""

    def _set_packed(
        self, dst_sizes: Sequence[int], src_sizes: Sequence[int], num_edges: int, device: torch.device
    ) -> None:
        self.dst_sizes = tuple(dst_sizes)
        self.src_sizes = tuple(src_sizes)
        self._set(sum(dst_sizes), sum(src_sizes), num_edges, device)

    @property
    def num_graphs(self) -> int:
        """The number of graphs."""
        return len(self.dst_sizes)

    @property
    def dst_ptr(self) -> Tensor:
        """Where the destinations of each graph begin, `[num_graphs + 1]` int64 (PyG's `ptr`)."""
        return torch.tensor([0, *accumulate(self.dst_sizes)], device=self.device)

    @property
    def src_ptr(self) -> Tensor:
        """Where the sources of each graph begin, `[num_graphs + 1]` int64."""
        return torch.tensor([0, *accumulate(self.src_sizes)], device=self.device)

    @property
    def batch(self) -> Tensor:
        """The graph of each destination, `[M]` int64 (PyG's `batch`)."""
        graphs = torch.arange(self.num_graphs, device=self.device)
        return graphs.repeat_interleave(self.dst_ptr.diff(), output_size=self.num_dst)

    def _picture(self) -> Picture:
        boundaries = [list(accumulate(sizes))[:-1] for sizes in (self.dst_sizes, self.src_sizes)]
        return super()._picture()._replace(follows_rule=True, boundaries=(boundaries[0], boundaries[1]))

    def _describe(self) -> str:
        prefix = "" if self.num_graphs == 1 else f"num_graphs={self.num_graphs}, "
        return prefix + super()._describe()
