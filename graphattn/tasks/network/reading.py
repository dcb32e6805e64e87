"""Read a network from whatever holds it, and another one with the columns of the first."""

from __future__ import annotations

import dataclasses
from typing import Any

from graphattn.tasks.network.features import aligned
from graphattn.tasks.network.network import Network
from graphattn.tasks.network.read import read_network


def as_network(data: Any, edges: Any = None, **reading: Any) -> Network:
    """Read a network from whatever holds it; see `read_network`.

    Args:
        data: a `Network`, which is returned as it is; a table of nodes, with `edges`; or a graph.
        edges: a table of edges.
        **reading: options of `read_network`.
    """
    if isinstance(data, Network):
        return data
    return read_network(graph=data, **reading) if edges is None else read_network(data, edges, **reading)


def read_alike(first: Network, data: Any, edges: Any, reading: dict[str, Any]) -> Network:
    """Read another network with the columns of the first."""
    if isinstance(data, Network):
        network = data
    else:
        roles = {(column.table, column.role): column.name for column in first.columns}
        options: dict[str, Any] = {"directed": first.directed}
        if edges is not None:
            options |= {
                option: roles[place]
                for option, place in {
                    "id_column": ("nodes", "id"),
                    "source_column": ("edges", "source"),
                    "destination_column": ("edges", "destination"),
                    "weight_column": ("edges", "weight"),
                    "type_column": ("edges", "type"),
                }.items()
                if place in roles
            }
        network = as_network(data, edges, **(options | {"split_column": None} | reading))
    network = aligned(network, first.feature_names)
    return dataclasses.replace(network, task=first.task, target=first.target, classes=first.classes)
