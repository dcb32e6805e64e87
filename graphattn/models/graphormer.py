"""Graphormer: attention among all nodes with a bias from the shortest paths between them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graphattn.graph import Complete, Graph, as_graph, complete
from graphattn.models.encoders import transformer
from graphattn.nn.positions import DegreeEncoding, PathBias, Paths, SpatialBias, places, shortest_paths


class Graphormer(nn.Module):
    """A Transformer encoder over the nodes of graphs, with centrality, spatial and edge encodings.

        h_i = x_i + z⁻[deg⁻(i)] + z⁺[deg⁺(i)],   score_ij = ⟨q_i, k_j⟩ / √D + b[φ(i, j)] + c_ij

    φ is the length of the shortest path from j to i, and c_ij the mean over its edges of ⟨w_n, e_n⟩. With
    `virtual_node`, each graph has an additional node that is connected to all others; its edges have a learned bias
    per head, and its output represents the graph.

    Args:
        embed_dim: width of the nodes.
        num_heads: attention heads; divides `embed_dim`.
        depth: the number of layers.
        max_degree: larger degrees are clamped to this value.
        max_distance: larger distances are clamped to this value.
        edge_dim: width of the edge features; None for none.
        virtual_node: whether each graph has a virtual node.
        **options: further arguments of the layers.

    Shapes:
        x `[N, embed_dim]`, edge_attr `[E, edge_dim]` → `[N, embed_dim]`; with `virtual_node` a pair, the nodes
        `[N, embed_dim]` and the graphs `[G, embed_dim]`.

    Ying et al. 2021, arXiv:2106.05234, eq. 5-9, and section 3.2 for the virtual node.
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
        virtual_node: bool = False,
        **options: Any,
    ) -> None:
        super().__init__()
        self.max_distance = max_distance
        self.centrality = DegreeEncoding(max_degree, embed_dim)
        self.spatial = SpatialBias(max_distance, num_heads)
        self.along = None if edge_dim is None else PathBias(edge_dim, max_distance, num_heads)
        self.virtual = self.virtual_bias = None
        if virtual_node:
            self.virtual = nn.Parameter(torch.randn(embed_dim) * 0.02)
            self.virtual_bias = nn.Parameter(torch.zeros(num_heads))
        self.encoder = transformer(embed_dim, num_heads, depth, **options)
        self._found: tuple[Graph, Paths] | None = None

    def forward(
        self, x: Tensor, graph: Graph | Tensor, edge_attr: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Encode the nodes; the shortest paths of the last graph are cached.

        Raises:
            ValueError: edge features are given without `edge_dim`, or are missing.
        """
        if (edge_attr is None) != (self.along is None):
            raise ValueError("edge_attr goes with edge_dim: give both or neither")
        graph = as_graph(graph, x.shape[0], x.shape[0])
        if self._found is None or self._found[0] is not graph:
            self._found = graph, shortest_paths(graph, self.max_distance)
        pairs, distance, edges = self._found[1]
        bias = self.spatial(distance)
        if self.along is not None:
            bias = bias + self.along(edge_attr, edges)
        x = x + self.centrality(graph)
        if self.virtual is None or self.virtual_bias is None:
            return self.encoder(x, pairs, edge_bias=bias)
        whole, is_node, is_pair = _with_virtual_nodes(pairs)
        x = self.virtual.expand(whole.num_nodes, -1).index_copy(0, is_node.nonzero().squeeze(1), x)
        bias = self.virtual_bias.expand(whole.num_edges, -1).index_copy(0, is_pair.nonzero().squeeze(1), bias)
        x = self.encoder(x, whole, edge_bias=bias)
        return x[is_node], x[~is_node]


def _with_virtual_nodes(pairs: Complete) -> tuple[Complete, Tensor, Tensor]:
    """Complete graphs with an additional first node each, and masks of the original nodes and edges."""
    whole = complete([size + 1 for size in pairs.sizes], device=pairs.device)
    is_node = places(whole)[0] > 0
    src, dst = whole.edge_index
    return whole, is_node, is_node[src] & is_node[dst]
