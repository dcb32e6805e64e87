"""Self-loops with edge features, as in PyG's attention layers."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from graphattn.graph import Graph
from graphattn.nn.checks import check_edge_attr

FillValue = float | Tensor | str
_REDUCTIONS = {"add": "sum", "sum": "sum", "mean": "mean", "min": "amin", "max": "amax", "mul": "prod"}


def add_self_loops(
    graph: Graph, edge_attr: Tensor | None, fill_value: FillValue = "mean"
) -> tuple[Graph, Tensor | None]:
    """Replace all self-loops by exactly one per node, after the other edges.

    Existing self-loops are removed together with their features.

    Args:
        graph: the graph; in a bipartite graph, the nodes below min(M, N) get a self-loop.
        edge_attr: `[E, …]` or None.
        fill_value: features of the new self-loops: a number, a broadcastable tensor, or a reduction "add", "mean",
            "min", "max" or "mul" over the features of the edges into the node (0, or 1 for "mul", if there are none).

    Returns:
        The graph with self-loops (cached with `graph`) and the features of all its edges.

    Raises:
        ValueError: unknown reduction, `fill_value` does not broadcast, or `edge_attr` does not have one row per edge.
    """
    looped, kept = graph.add_self_loops()
    if edge_attr is None:
        return looped, None
    check_edge_attr(edge_attr, graph)
    if kept.numel() < edge_attr.shape[0]:
        edge_attr = edge_attr.index_select(0, kept)
    dst = looped.edge_index[1, : kept.numel()]
    filled = _filled(edge_attr, dst, graph.num_dst, looped.num_edges - kept.numel(), fill_value)
    return looped, torch.cat([edge_attr, filled])


def cover_self_loops(
    graph: Graph, edge_attr: Tensor | None, fill_value: FillValue = "mean"
) -> tuple[Graph, Tensor | None, Tensor]:
    """Like `add_self_loops`, with a number of edges that does not depend on the values in `edge_index`.

    Existing self-loops stay in the list but must be masked; they do not contribute to the features of new ones.

    Args:
        graph: as for `add_self_loops`.
        edge_attr: as for `add_self_loops`.
        fill_value: as for `add_self_loops`.

    Returns:
        The graph with self-loops, the features of all its edges, and the mask of edges to hide, `[E']` bool.
    """
    looped = graph.append_self_loops()
    src, dst = graph.edge_index
    count = looped.num_edges - graph.num_edges
    hidden = F.pad(src == dst, (0, count))
    if edge_attr is None:
        return looped, None, hidden
    check_edge_attr(edge_attr, graph)
    aside = torch.where(src == dst, graph.num_dst, dst)  # features of hidden edges go to an extra row
    filled = _filled(edge_attr, aside, graph.num_dst + 1, count, fill_value)
    return looped, torch.cat([edge_attr, filled]), hidden


def _filled(edge_attr: Tensor, dst: Tensor, num_rows: int, count: int, fill_value: FillValue) -> Tensor:
    """The features of `count` self-loops, reduced over the edges into the nodes `dst`."""
    shape = (count, *edge_attr.shape[1:])
    if not isinstance(fill_value, str):
        value = torch.as_tensor(fill_value, dtype=edge_attr.dtype, device=edge_attr.device)
        try:
            return value.expand(shape)
        except RuntimeError:
            raise ValueError(f"fill_value of shape {list(value.shape)} does not broadcast to {list(shape)}") from None
    if fill_value not in _REDUCTIONS:
        raise ValueError(f"fill_value is a number, a tensor or one of {', '.join(_REDUCTIONS)}; got {fill_value!r}")
    start = edge_attr.new_full((num_rows, *shape[1:]), 1.0 if fill_value == "mul" else 0.0)
    dst = dst.view(-1, *[1] * (edge_attr.ndim - 1)).expand_as(edge_attr)
    return start.scatter_reduce(0, dst, edge_attr, _REDUCTIONS[fill_value], include_self=False)[:count]
