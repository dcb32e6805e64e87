"""Exphormer: attention along a graph's own edges, along those of an expander, and through virtual nodes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graphattn.graph import Graph, batch, expander, window
from graphattn.models.encoders import transformer
from graphattn.nn.positions import sizes_of


class Exphormer(nn.Module):
    """A graph Transformer of linear cost on any graph.

        N(i) = neighbours in the graph ∪ neighbours in a random expander ∪ virtual nodes, which see all of their graph

    Each kind of edge has a learned vector, which joins keys and values; the graph's own edges may have features.

    Args:
        embed_dim: width of the nodes.
        num_heads: attention heads; divides `embed_dim`.
        depth: the number of layers.
        degree: of the expander; even. Graphs too small for it (see `ga.expander`) have self-loops instead.
        num_virtual: virtual nodes of each graph.
        edge_dim: width of the edges' features; None for none.
        **options: what else the layers take.

    Shapes:
        x `[N, embed_dim]`, edge_attr `[E, edge_dim]` → `[N, embed_dim]`.

    Shirzad et al. 2023, arXiv:2303.06147, section 3; with the Transformer's layer, and without message passing beside
    it (for that see `GPSConv`). The expander is drawn anew for each new graph.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        depth: int,
        *,
        degree: int = 4,
        num_virtual: int = 1,
        edge_dim: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.degree, self.num_virtual = degree, num_virtual
        self.virtual = nn.Parameter(torch.randn(num_virtual, embed_dim) * 0.02)
        self.kinds = nn.Embedding(4, embed_dim)  # own, expander, from a virtual node, to a virtual node
        self.edges = None if edge_dim is None else nn.Linear(edge_dim, embed_dim)
        self.encoder = transformer(embed_dim, num_heads, depth, edge_dim=embed_dim, **options)
        self._made: tuple[Graph, tuple[Graph, Tensor]] | None = None

    def forward(self, x: Tensor, graph: Graph, edge_attr: Tensor | None = None) -> Tensor:
        """Encode; what was made of the graph seen last is kept.

        Raises:
            ValueError: edge features are given where the model has no `edge_dim`.
        """
        if (edge_attr is None) != (self.edges is None):
            raise ValueError("edge_attr goes with edge_dim: give both or neither")
        if self._made is None or self._made[0] is not graph:
            self._made = graph, self._connect(graph)
        whole, kind = self._made[1]
        attr = self.kinds(kind)
        if self.edges is not None:
            own = self.edges(edge_attr)
            attr = torch.cat([attr[: len(own)] + own, attr[len(own) :]])
        virtual = self.virtual.repeat(len(sizes_of(graph)[0]), 1)
        return self.encoder(torch.cat([x, virtual]), whole, attr)[: len(x)]

    def _connect(self, graph: Graph) -> tuple[Graph, Tensor]:
        """The graph with its expander and virtual nodes, which come after all others; and the kind of each edge."""
        sizes, N = sizes_of(graph)[0], graph.num_nodes
        drawn = [expander(n, self.degree) if max(3, 2 * self.degree - 2) <= n else window(n, 0) for n in sizes]
        nodes = torch.arange(N, device=graph.device).repeat_interleave(self.num_virtual)
        member = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes), output_size=N).to(graph.device)
        first = N + self.num_virtual * member
        hubs = (first.unsqueeze(1) + torch.arange(self.num_virtual, device=graph.device)).flatten()
        parts = [
            graph.edge_index,
            batch(drawn).edge_index.to(graph.device),
            torch.stack([hubs, nodes]),
            torch.stack([nodes, hubs]),
        ]
        counts = torch.tensor([part.shape[1] for part in parts], device=graph.device)
        total = N + self.num_virtual * len(sizes)
        return Graph(torch.cat(parts, 1), total), torch.arange(4, device=graph.device).repeat_interleave(counts)
