"""The radius graph: every point sees those within a distance."""

from __future__ import annotations

import math
from numbers import Real

import torch
from torch import Tensor

from graphattn.graph.graph import Graph
from graphattn.graph.points import graph_of_points


def radius(points: Tensor, r: float, *, batch: Tensor | None = None) -> Graph:
    """The graph in which every point sees all others at most `r` away.

        N(i) = { j ≠ i : |x_i - x_j| <= r }

    Molecules in space, particles, point clouds. A point does not see itself, as in PyG's `radius_graph`;
    `Graph.add_self_loops` changes that. Found on the CPU by SciPy's k-d tree, in float64.

    Args:
        points: places, `[N, d]`, floating point; no gradient goes through the choice of neighbors.
        r: the distance, in the unit of the points.
        batch: the cloud of each point, `[N]` integers from 0, never decreasing (PyG's `batch`); points see those of
            their own cloud. One cloud when None.

    Returns:
        A `Graph`, or a `Batch` of them with `batch`, on the device of the points. Edges come destination by
        destination, sources ascending; every edge is there in both directions.

    Raises:
        TypeError: `points` are no floating-point tensor, `batch` no integers, or `r` is no number.
        ValueError: wrong shapes, points that are not finite, a cloud out of order, or `r` is negative or not finite.

    Example:
        >>> radius(torch.tensor([[0.0], [1.0], [3.0], [7.0]]), r=2.0).edge_index
        tensor([[1, 0, 2, 1],
                [0, 1, 1, 2]])
    """
    if isinstance(r, bool) or not isinstance(r, Real):
        raise TypeError(f"r must be a number, got {r!r}")
    if not 0 <= r < math.inf:
        raise ValueError(f"r must be a distance, finite and not negative, got {r}")
    return graph_of_points("points", points, batch, lambda cloud: _connect(cloud, float(r)))


def _connect(points: Tensor, r: float) -> Graph:
    size = len(points)
    if size == 0:
        return Graph(torch.empty(2, 0, dtype=torch.int64, device=points.device), 0)
    from scipy.spatial import KDTree

    pairs = torch.from_numpy(KDTree(points.cpu().double().numpy()).query_pairs(r, output_type="ndarray")).long()
    both_ways = torch.cat([pairs, pairs.flip(1)])
    dst, src = both_ways[:, 0], both_ways[:, 1]
    edge = (dst * size + src).sort().values
    return Graph(torch.stack([edge % size, edge // size]).to(points.device), size)
