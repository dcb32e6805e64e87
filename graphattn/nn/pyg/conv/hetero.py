"""Argument checks of layers on heterogeneous graphs."""

from collections.abc import Collection
from typing import Any

from torch import Tensor


def check_kinds(
    x_dict: dict[str, Tensor], edge_index_dict: dict[Any, Any], node_types: Collection[str], edge_types: Collection[Any]
) -> None:
    """Raise ValueError for a node or edge type that is not in the metadata, or a node type without features."""
    for kind in x_dict:
        if kind not in node_types:
            raise ValueError(f"x_dict has nodes of kind {kind!r}, but metadata has {', '.join(map(repr, node_types))}")
    for kind in edge_index_dict:
        if kind not in edge_types:
            known = ", ".join(map(repr, edge_types))
            raise ValueError(f"edge_index_dict has edges of kind {kind!r}, but metadata has {known}")
        for end in (kind[0], kind[-1]):
            if end not in x_dict:
                raise ValueError(f"edge_index_dict has edges of kind {kind!r}, but x_dict has no {end!r}")
