"""Graphormer's spatial encoding: a bias for each pair of nodes by the length of the shortest path between them."""

from __future__ import annotations

from itertools import accumulate

import torch
from torch import Tensor, nn

from graphattn.graph import Complete, Graph, complete
from graphattn.nn.positions.place import sizes_of


def shortest_paths(graph: Graph, max_distance: int) -> tuple[Complete, Tensor]:
    """The number of edges on the shortest path between every two nodes of each graph.

    Args:
        graph: a graph or a batch; paths follow the edges from source to destination.
        max_distance: longer paths count as this long; where there is no path, the distance is `max_distance + 1`.

    Returns:
        The complete graph over the same nodes, and the distance along each of its edges, `[E]` int64.

    Raises:
        ValueError: `max_distance` is below 1, or sources and destinations are not one set.

    Example:
        >>> pairs, distance = shortest_paths(Graph(torch.tensor([[0, 1], [1, 2]])), max_distance=5)
        >>> distance.view(3, 3)  # a row for each destination
        tensor([[0, 6, 6],
                [1, 0, 6],
                [2, 1, 0]])

    Ying et al. 2021, arXiv:2106.05234, section 3.1.2.
    """
    from scipy.sparse.csgraph import shortest_path

    if max_distance < 1:
        raise ValueError(f"max_distance must be at least 1, got {max_distance}")
    adjacency, sizes = graph.to_scipy().tocsr(), sizes_of(graph)[0]
    adjacency.data[:] = 1
    ends, found = list(accumulate(sizes)), []
    for size, last in zip(sizes, ends, strict=True):
        steps = shortest_path(adjacency[last - size : last, last - size : last].T, unweighted=True)  # by source
        found.append(torch.from_numpy(steps).t().flatten())
    distance = torch.cat(found) if found else torch.empty(0, dtype=torch.float64)
    distance = distance.clamp(max=max_distance).where(distance.isfinite(), max_distance + 1)
    return complete(sizes, device=graph.device), distance.long().to(graph.device)


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
