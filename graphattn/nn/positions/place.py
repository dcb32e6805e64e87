"""Positions of nodes within their graphs, the input of positional encodings."""

from __future__ import annotations

from torch import Tensor

from graphattn.graph import Graph, Union
from graphattn.graph.packed import Packed
from graphattn.graph.rule import positions


def sizes_of(graph: Graph) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The numbers of destinations and sources of each graph in a batch.

    For a union, those of the part with the most graphs. A graph without batch information counts as one graph.

    Example:
        >>> from graphattn.graph import complete, hub, union, window
        >>> sizes_of(union(window([3, 2], radius=1), hub([3, 2], hubs=1)))
        ((3, 2), (3, 2))
    """
    if isinstance(graph, Packed):
        return graph.dst_sizes, graph.src_sizes
    if isinstance(graph, Union):
        return max((sizes_of(part) for part in graph.parts), key=lambda sizes: len(sizes[0]))
    return (graph.num_dst,), (graph.num_src,)


def places(graph: Graph) -> tuple[Tensor, Tensor]:
    """The positions of destinations, `[M]`, and sources, `[N]`, within their graphs, int64 from 0.

    Example:
        >>> from graphattn.graph import bipartite
        >>> places(bipartite([1, 2], [3, 2]))
        (tensor([0, 0, 1]), tensor([0, 1, 2, 0, 1]))
    """
    dst_sizes, src_sizes = sizes_of(graph)
    of_dst = positions(dst_sizes, graph.device)[0]
    return of_dst, of_dst if src_sizes == dst_sizes else positions(src_sizes, graph.device)[0]


def distances(graph: Graph, position: Tensor | None, key_position: Tensor | None) -> Tensor:
    """The position of each edge's source minus that of its destination, j − i, `[E]`.

    Args:
        graph: the graph with E edges.
        position: positions of the destinations, `[M]`; counted within each graph when None.
        key_position: positions of the sources, `[N]`; if None, `position` when that is given.
    """
    if position is None:
        position, key_position = places(graph)
    elif key_position is None:
        key_position = position
    src, dst = graph.edge_index
    return key_position[src] - position[dst]
