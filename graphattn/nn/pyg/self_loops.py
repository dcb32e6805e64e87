"""Self-loops and the features they get, as PyG's attention layers make them."""

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
    """Give each node exactly one self-loop, behind the other edges, with features.

    Loops that are there already go first, and their features with them.

    Args:
        graph: the edges; in a bipartite graph the nodes below min(M, N) get a loop.
        edge_attr: `[E, …]` or None.
        fill_value: features of the new loops: a number, a tensor that broadcasts, or "add", "mean", "min", "max", "mul"
            over the features of the edges into the node (0 where there is none; 1 for "mul").

    Returns:
        The graph with loops (made once and kept with `graph`) and the features of all its edges.

    Raises:
        ValueError: the reduction has another name, `fill_value` does not broadcast, or `edge_attr` has not one row
            for each edge.
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
    """What `add_self_loops` does, with a number of edges that does not depend on which edges there are.

    Loops that are there already stay in the list, to be hidden: no new loop's features come from them.

    Args:
        graph: as for `add_self_loops`.
        edge_attr: as for `add_self_loops`.
        fill_value: as for `add_self_loops`.

    Returns:
        The graph with loops, the features of all its edges, and which edges are to be hidden, `[E']`.
    """
    looped = graph.append_self_loops()
    src, dst = graph.edge_index
    count = looped.num_edges - graph.num_edges
    hidden = F.pad(src == dst, (0, count))
    if edge_attr is None:
        return looped, None, hidden
    check_edge_attr(edge_attr, graph)
    aside = torch.where(src == dst, graph.num_dst, dst)  # the features of hidden edges go into a row of their own
    filled = _filled(edge_attr, aside, graph.num_dst + 1, count, fill_value)
    return looped, torch.cat([edge_attr, filled]), hidden


def _filled(edge_attr: Tensor, dst: Tensor, num_rows: int, count: int, fill_value: FillValue) -> Tensor:
    """The features of `count` loops, from those of edges into the rows `dst`."""
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
