"""Graphormer's edge encoding: a bias per pair of nodes from the edges on the shortest path between them."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PathBias(nn.Module):
    """A bias per pair of nodes from the features of the edges on the shortest path between them.

        b_ij^h = 1 / N Σ_{n = 1}^{N} ⟨w_n^h, e_n⟩,   e_1, ..., e_N the edges of the path; 0 if it has none

    Args:
        edge_dim: width of the edges' features.
        max_distance: as for `shortest_paths`.
        num_heads: H.

    Shapes:
        edge_attr `[E_graph, edge_dim]`, edges `[E, max_distance]` → `[E, H]`, for `edge_bias` on the complete graph.

    Ying et al. 2021, arXiv:2106.05234, eq. 7; the edges are counted from the destination.
    """

    def __init__(self, edge_dim: int, max_distance: int, num_heads: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(max_distance, edge_dim, num_heads))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, edge_attr: Tensor, edges: Tensor) -> Tensor:
        """Compute the bias of each pair."""
        total = edge_attr.new_zeros(edges.shape[0], self.weight.shape[2])
        nothing = edge_attr.new_zeros(1, self.weight.shape[2])
        for step, weight in zip(edges.unbind(1), self.weight, strict=True):
            total = total + torch.cat([edge_attr @ weight, nothing])[step]  # index −1 reads the row of zeros
        return total / (edges >= 0).sum(1, keepdim=True).clamp(min=1)
