"""The k-nearest-neighbors graph: every point sees those nearest to it."""

from __future__ import annotations

import torch
from torch import Tensor

from graphattn.graph.checks import as_count
from graphattn.graph.graph import Graph
from graphattn.graph.points import graph_of_points


def knn(points: Tensor, k: int, *, batch: Tensor | None = None) -> Graph:
    """The graph in which every point sees the `k` others nearest to it.

        N(i) = { the k nearest j ≠ i by |x_i - x_j| },   E = k · N

    Point clouds and meshes. A point does not see itself, as in PyG's `knn_graph`; `Graph.add_self_loops` changes
    that. Found on the CPU by SciPy's k-d tree, which is fast in few dimensions (up to about 10).

    Args:
        points: places, `[N, d]`, floating point; no gradient goes through the choice of neighbors.
        k: how many to see; all others, where a cloud has no more.
        batch: the cloud of each point, `[N]` integers from 0, never decreasing (PyG's `batch`); points see those of
            their own cloud. One cloud when None.

    Returns:
        A `Graph`, or a `Batch` of them with `batch`, on the device of the points. Edges come destination by
        destination, the nearest first; among points equally far, which comes first is up to the tree.

    Raises:
        TypeError: `points` are no floating-point tensor, `batch` no integers, or `k` is no integer.
        ValueError: wrong shapes, points that are not finite, a cloud out of order, or `k` is negative.

    Example:
        >>> knn(torch.tensor([[0.0], [1.0], [3.0], [7.0]]), k=2).edge_index
        tensor([[1, 2, 0, 2, 1, 0, 2, 1],
                [0, 0, 1, 1, 2, 2, 3, 3]])
    """
    k = as_count("k", k)
    return graph_of_points("points", points, batch, lambda cloud: _connect(cloud, k))


def _connect(points: Tensor, k: int) -> Graph:
    size = len(points)
    k = min(k, max(size - 1, 0))
    if k == 0:
        return Graph(torch.empty(2, 0, dtype=torch.int64, device=points.device), size)
    from scipy.spatial import KDTree

    places = points.cpu().double().numpy()
    tree = KDTree(places)
    order = torch.from_numpy(tree.indices)  # asked leaf by leaf, the tree answers about twice as fast
    nearest = tree.query(places[tree.indices], k=k + 1, workers=torch.get_num_threads())[1]
    seen = torch.empty(size, k + 1, dtype=torch.int64, device="cpu").index_copy(0, order, torch.from_numpy(nearest))
    itself = torch.arange(size, device="cpu").unsqueeze(1)
    other = seen != itself
    other[:, -1] &= ~other.all(1)  # of many points in one place, it may not be among its own nearest
    edge_index = torch.stack([seen[other], itself.expand(-1, k).flatten()])
    return Graph(edge_index.to(points.device), size)
