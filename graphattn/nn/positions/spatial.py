"""Graphormer's spatial encoding: a bias per pair of nodes from the length of the shortest path between them."""

from __future__ import annotations

from torch import Tensor, nn


class SpatialBias(nn.Module):
    """A learned bias per head and shortest-path length.

        b_ij^h = table[φ(i, j), h],   φ the length of the shortest path; pairs without a path have an entry of their own

    Args:
        max_distance: as for `shortest_paths`.
        num_heads: H.

    Shapes:
        distance `[E]` → `[E, H]`, for `edge_bias` on the complete graph.

    Ying et al. 2021, arXiv:2106.05234, eq. 6.
    """

    def __init__(self, max_distance: int, num_heads: int) -> None:
        super().__init__()
        self.table = nn.Embedding(max_distance + 2, num_heads)

    def forward(self, distance: Tensor) -> Tensor:
        """Look up the bias of each edge."""
        return self.table(distance)
