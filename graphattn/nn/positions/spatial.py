"""Graphormer's spatial encoding: a bias for each pair of nodes by the length of the shortest path between them."""

from __future__ import annotations

from torch import Tensor, nn


class SpatialBias(nn.Module):
    """A learned number for each head and each length of a shortest path.

        b_ij^h = table[φ(i, j), h],   φ the length of the shortest path, with a number of its own where there is none

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
        """The bias of each edge."""
        return self.table(distance)
