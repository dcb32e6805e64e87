"""Graphormer: every node sees every node, and knows by a bias how far away it is in the graph."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from graphattn.graph import Graph
from graphattn.models.encoders import transformer
from graphattn.nn.positions import DegreeEncoding, SpatialBias, shortest_paths


class Graphormer(nn.Module):
    """A Transformer encoder over the nodes of graphs, with centrality and spatial encodings.

        h_i = x_i + z⁻[deg⁻(i)] + z⁺[deg⁺(i)],   score_ij = ⟨q_i, k_j⟩ / √D + b[φ(i, j)],   φ the shortest path

    Args:
        embed_dim: width of the nodes.
        num_heads: attention heads; divides `embed_dim`.
        depth: the number of layers.
        max_degree: larger degrees count as this one.
        max_distance: longer paths count as this long.
        **options: what else the layers take.

    Shapes:
        x `[N, embed_dim]` → `[N, embed_dim]`.

    Ying et al. 2021, arXiv:2106.05234, eq. 5-6 and 8-9; without the encoding of the edges along a path (eq. 7) and the
    virtual node: pool with `GraphHead`.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        depth: int,
        *,
        max_degree: int = 16,
        max_distance: int = 8,
        **options: Any,
    ) -> None:
        super().__init__()
        self.max_distance = max_distance
        self.centrality = DegreeEncoding(max_degree, embed_dim)
        self.spatial = SpatialBias(max_distance, num_heads)
        self.encoder = transformer(embed_dim, num_heads, depth, **options)
        self._paths: tuple[Graph, Any] | None = None

    def forward(self, x: Tensor, graph: Graph) -> Tensor:
        """Encode; the paths of the graph seen last are kept."""
        if self._paths is None or self._paths[0] is not graph:
            self._paths = graph, shortest_paths(graph, self.max_distance)
        pairs, distance = self._paths[1]
        return self.encoder(x + self.centrality(graph), pairs, edge_bias=self.spatial(distance))
