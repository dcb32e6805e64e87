"""Graphormer: every node sees every node, and knows by a bias what lies between them in the graph."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from graphattn.graph import Graph, as_graph
from graphattn.models.encoders import transformer
from graphattn.nn.positions import DegreeEncoding, PathBias, Paths, SpatialBias, shortest_paths


class Graphormer(nn.Module):
    """A Transformer encoder over the nodes of graphs, with centrality, spatial and edge encodings.

        h_i = x_i + z⁻[deg⁻(i)] + z⁺[deg⁺(i)],   score_ij = ⟨q_i, k_j⟩ / √D + b[φ(i, j)] + c_ij

    φ is the length of the shortest path from j to i, and c_ij the mean over its edges of ⟨w_n, e_n⟩.

    Args:
        embed_dim: width of the nodes.
        num_heads: attention heads; divides `embed_dim`.
        depth: the number of layers.
        max_degree: larger degrees count as this one.
        max_distance: longer paths count as this long.
        edge_dim: width of the edges' features; None for none.
        **options: what else the layers take.

    Shapes:
        x `[N, embed_dim]`, edge_attr `[E, edge_dim]` → `[N, embed_dim]`.

    Ying et al. 2021, arXiv:2106.05234, eq. 5-9; without the virtual node: pool with `GraphHead`.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        depth: int,
        *,
        max_degree: int = 16,
        max_distance: int = 8,
        edge_dim: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.max_distance = max_distance
        self.centrality = DegreeEncoding(max_degree, embed_dim)
        self.spatial = SpatialBias(max_distance, num_heads)
        self.along = None if edge_dim is None else PathBias(edge_dim, max_distance, num_heads)
        self.encoder = transformer(embed_dim, num_heads, depth, **options)
        self._found: tuple[Graph, Paths] | None = None

    def forward(self, x: Tensor, graph: Graph | Tensor, edge_attr: Tensor | None = None) -> Tensor:
        """Encode; the paths of the graph seen last are kept.

        Raises:
            ValueError: edge features are given where the model has no `edge_dim`, or are missing.
        """
        if (edge_attr is None) != (self.along is None):
            raise ValueError("edge_attr goes with edge_dim: give both or neither")
        graph = as_graph(graph, len(x), len(x))
        if self._found is None or self._found[0] is not graph:
            self._found = graph, shortest_paths(graph, self.max_distance)
        pairs, distance, edges = self._found[1]
        bias = self.spatial(distance)
        if self.along is not None:
            bias = bias + self.along(edge_attr, edges)
        return self.encoder(x + self.centrality(graph), pairs, edge_bias=bias)
