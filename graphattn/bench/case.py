"""What is measured: a graph by recipe, and the sizes of queries, keys and values on it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphattn.graph import Graph


@dataclass(frozen=True)
class Case:
    """Dot-product softmax attention on one graph.

    Attributes:
        name: for tables and the command line.
        graph: "random" (both ends uniform), "hub" (a tenth of all edges end in one node) or "molecules"
            (disjoint rings of 25 atoms, both directions).
        num_nodes: N.
        num_edges: E; for "molecules" it follows from N.
        heads: H.
        width: D, of keys and values.
    """

    name: str
    graph: str
    num_nodes: int
    num_edges: int
    heads: int
    width: int

    def build(self, seed: int = 0) -> tuple[Graph, Tensor, Tensor, Tensor]:
        """The graph, and q, k, v `[N, H, D]` float32 drawn from a seed."""
        generator = torch.Generator().manual_seed(seed)
        shape = (self.num_nodes, self.heads, self.width)
        q, k, v = (torch.randn(shape, generator=generator) for _ in range(3))
        return Graph(self._edges(generator), self.num_nodes), q, k, v

    def _edges(self, generator: torch.Generator) -> Tensor:
        if self.graph == "molecules":
            atom = torch.arange(self.num_nodes)
            following = torch.where(atom % 25 == 24, atom - 24, atom + 1)
            return torch.stack([torch.cat([atom, following]), torch.cat([following, atom])])
        edges = torch.randint(self.num_nodes, (2, self.num_edges), generator=generator)
        if self.graph == "hub":
            edges[1, ::10] = 0
        return edges


CASES = {
    case.name: case
    for case in (
        Case("random", "random", 50_000, 800_000, heads=4, width=32),
        Case("random-wide", "random", 50_000, 800_000, heads=1, width=128),
        Case("hub", "hub", 50_000, 800_000, heads=4, width=32),
        Case("molecules", "molecules", 1_600, 3_200, heads=4, width=32),
        Case("quick", "random", 5_000, 80_000, heads=4, width=32),
    )
}
