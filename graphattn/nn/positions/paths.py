"""Shortest paths between all pairs of nodes."""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor

from graphattn.graph import Complete, Graph, complete
from graphattn.nn.positions.place import sizes_of


class Paths(NamedTuple):
    """Shortest paths between all pairs of nodes of each graph."""

    pairs: Complete
    """the complete graph over the same nodes, with E edges"""
    distance: Tensor
    """number of edges of each path, `[E]` int64"""
    edges: Tensor
    """the ids of a path's edges, from the destination back to the source, `[E, max_distance]` int64; −1 beyond it"""


def shortest_paths(graph: Graph, max_distance: int) -> Paths:
    """Compute a shortest path between all pairs of nodes of each graph.

    Args:
        graph: a graph or a batch; paths follow the edges from source to destination.
        max_distance: distances are clamped to this value, and only this many edges next to the destination are
            returned; without a path, the distance is `max_distance + 1`.

    Raises:
        ValueError: `max_distance` is below 1, or sources and destinations are different node sets.

    Example:
        >>> paths = shortest_paths(Graph(torch.tensor([[0, 1], [1, 2]])), max_distance=3)
        >>> paths.distance.view(3, 3)  # a row for each destination
        tensor([[0, 4, 4],
                [1, 0, 4],
                [2, 1, 0]])
        >>> paths.edges[6]  # from node 2 back to node 0
        tensor([ 1,  0, -1])

    Ying et al. 2021, arXiv:2106.05234, section 3.1.2.
    """
    from scipy.sparse.csgraph import shortest_path

    if max_distance < 1:
        raise ValueError(f"max_distance must be at least 1, got {max_distance}")
    adjacency, sizes = graph.to_scipy().tocsr(), sizes_of(graph)[0]
    adjacency.data[:] = 1
    lengths, last = (
        [torch.empty(0, dtype=torch.float64, device="cpu")],
        [torch.empty(0, dtype=torch.int64, device="cpu")],
    )
    nodes = [torch.empty(2, 0, dtype=torch.int64, device="cpu")]
    for size, end in zip(sizes, accumulate(sizes), strict=True):
        first = end - size
        steps, before = shortest_path(adjacency[first:end, first:end].T, unweighted=True, return_predecessors=True)
        lengths.append(torch.from_numpy(steps).t().flatten())
        last.append(torch.from_numpy(before).long().t().flatten())  # the predecessor of the destination, −9999 for none
        nodes.append(torch.tensor([[first], [size]], device="cpu").expand(-1, size * size))
    pairs, length, before = complete(sizes), torch.cat(lengths), torch.cat(last)
    distance = length.clamp(max=max_distance).where(length.isfinite(), max_distance + 1).long()
    edges = _edges_of(graph, pairs, before, torch.cat(nodes, 1), max_distance)
    return Paths(pairs.to(graph.device), distance.to(graph.device), edges.to(graph.device))


def _edges_of(graph: Graph, pairs: Complete, before: Tensor, graph_of: Tensor, max_distance: int) -> Tensor:
    """Follow each path back from its destination, one step per column."""
    N, (src, dst) = graph.num_nodes, graph.edge_index.cpu()
    key, order = (dst * N + src).sort(stable=True)
    first, size = graph_of
    start = (
        torch.arange(len(before), device="cpu") - (pairs.edge_index[1] - first) * size
    )  # position of destination 0 in `before`
    here, columns = pairs.edge_index[1], []
    for _ in range(max_distance):
        there = before[start + (here - first) * size]
        found = there >= 0
        there = (there + first).where(found, here)
        place = torch.searchsorted(key, here * N + there).clamp(max=max(len(key) - 1, 0))
        columns.append(order[place].where(found, -1) if len(key) else torch.full_like(here, -1))
        here = there
    return torch.stack(columns, 1)
