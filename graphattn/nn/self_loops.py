"""Self-loops and the features they get, as PyG's attention layers make them."""

from __future__ import annotations

import torch
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
    count = looped.num_edges - kept.numel()
    shape = (count, *edge_attr.shape[1:])
    if not isinstance(fill_value, str):
        value = torch.as_tensor(fill_value, dtype=edge_attr.dtype, device=edge_attr.device)
        try:
            filled = value.expand(shape)
        except RuntimeError:
            raise ValueError(f"fill_value of shape {list(value.shape)} does not broadcast to {list(shape)}") from None
    elif fill_value in _REDUCTIONS:
        start = edge_attr.new_full((graph.num_dst, *shape[1:]), 1.0 if fill_value == "mul" else 0.0)
        dst = looped.edge_index[1, : kept.numel()].view(-1, *[1] * (edge_attr.ndim - 1)).expand_as(edge_attr)
        reduced = start.scatter_reduce(0, dst, edge_attr, _REDUCTIONS[fill_value], include_self=False)
        filled = reduced[:count]
    else:
        raise ValueError(f"fill_value is a number, a tensor or one of {', '.join(_REDUCTIONS)}; got {fill_value!r}")
    return looped, torch.cat([edge_attr, filled])
