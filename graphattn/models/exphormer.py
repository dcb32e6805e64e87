"""Exphormer: attention along the edges of the graph, of an expander, and of virtual nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from graphattn.graph import Graph, as_graph, batch, bipartite, expander, window
from graphattn.models.encoders import transformer
from graphattn.nn.positions import sizes_of
from graphattn.nn.transformer.encoder import TransformerEncoder
from graphattn.nn.transformer.gps_layer import GPSLayer


class Exphormer(nn.Module):
    """A graph Transformer with cost linear in the size of the graph.

        N(i) = neighbors in the graph ∪ neighbors in a random expander ∪ virtual nodes

    Each kind of edge has a learned vector, which is projected and added to keys and values; the edges of the graph may
    have features too.

    Args:
        embed_dim: width of the nodes.
        num_heads: attention heads; divides `embed_dim`.
        depth: the number of layers.
        degree: degree of the expander; even. Graphs too small for it (see `ga.expander`) have self-loops instead.
        num_virtual: number of virtual nodes per graph.
        edge_dim: width of the edge features; None for none.
        local: called once per layer to make a message passing layer on the edges of the graph, in parallel with the
            attention (see `GPSLayer`), which gets the edge features, `[E, embed_dim]`, if there are any; None for none.
        **options: further arguments of the layers.

    Shapes:
        x `[N, embed_dim]`, edge_attr `[E, edge_dim]` → `[N, embed_dim]`.

    Example:
        >>> import torch, graphattn as ga
        >>> net = ga.models.Exphormer(16, num_heads=4, depth=2, local=lambda: ga.nn.GATConv(16, 16))
        >>> net(torch.randn(3, 16), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([3, 16])

    Shirzad et al. 2023, arXiv:2303.06147, section 3. The models of the paper have message passing (`local`);
    without it the layers are Transformer layers. The expander depends on the number of nodes only. In the message
    passing, virtual nodes are isolated nodes; in the paper they are excluded.
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
        local: Callable[[], nn.Module] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.degree, self.num_virtual = degree, num_virtual
        self.virtual = nn.Parameter(torch.randn(num_virtual, embed_dim) * 0.02)
        self.kinds = nn.Embedding(4, embed_dim)  # own, expander, from a virtual node, to a virtual node
        self.edges = None if edge_dim is None else nn.Linear(edge_dim, embed_dim)
        options["edge_dim"] = embed_dim
        self.has_local = local is not None
        if local is None:
            self.encoder = transformer(embed_dim, num_heads, depth, **options)
        else:
            self.encoder = TransformerEncoder(GPSLayer(embed_dim, num_heads, local(), **options) for _ in range(depth))
        self._made: tuple[Graph, tuple[Graph, Tensor]] | None = None

    def forward(self, x: Tensor, graph: Graph | Tensor, edge_attr: Tensor | None = None) -> Tensor:
        """Encode the nodes; the derived edges of the last graph are cached.

        Raises:
            ValueError: edge features are given without `edge_dim`, or are missing.
        """
        if (edge_attr is None) != (self.edges is None):
            raise ValueError("edge_attr goes with edge_dim: give both or neither")
        graph = as_graph(graph, x.shape[0], x.shape[0])
        if self._made is None or self._made[0] is not graph:
            self._made = graph, self._connect(graph)
        whole, kind = self._made[1]
        attr, own = self.kinds(kind), None
        if self.edges is not None:
            own = self.edges(edge_attr)
            attr = torch.cat([attr[: len(own)] + own, attr[len(own) :]])
        local = {"local_edges": graph.edge_index, "local_attr": own} if self.has_local else {}
        virtual = self.virtual.repeat(len(sizes_of(graph)[0]), 1)
        return self.encoder(torch.cat([x, virtual]), whole, attr, **local)[: x.shape[0]]

    def _connect(self, graph: Graph) -> tuple[Graph, Tensor]:
        """The graph with expander edges and virtual nodes, which follow the others, and the kind of each edge."""
        sizes, N = sizes_of(graph)[0], graph.num_nodes
        drawn = [
            expander(n, self.degree, generator=torch.Generator().manual_seed(n))
            if max(3, 2 * self.degree - 2) <= n
            else window(n, 0)
            for n in sizes
        ]
        nodes, virtual = bipartite([self.num_virtual] * len(sizes), sizes, device=graph.device).edge_index
        down = torch.stack([N + virtual, nodes])
        parts = [graph.edge_index, batch(drawn).edge_index.to(graph.device), down, down.flip(0)]
        counts = torch.tensor([part.shape[1] for part in parts], device=graph.device)
        total = N + self.num_virtual * len(sizes)
        return Graph(torch.cat(parts, 1), total), torch.arange(4, device=graph.device).repeat_interleave(counts)
