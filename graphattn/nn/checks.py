"""Checks that several layers make, with messages that name the layers' own arguments."""

from __future__ import annotations

from torch import Tensor

from graphattn.graph import Graph


def check_dropout(dropout: float) -> None:
    """Raise ValueError unless `dropout` is a probability in [0, 1)."""
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is a probability in [0, 1), got {dropout}")


def check_edge_attr(edge_attr: Tensor, graph: Graph) -> None:
    """Raise ValueError unless there is one row of features for each edge."""
    if edge_attr.ndim == 0 or edge_attr.shape[0] != graph.num_edges:
        raise ValueError(
            f"edge_attr is [E, edge_dim] with E edges: expected [{graph.num_edges}, any], got {list(edge_attr.shape)}"
        )
