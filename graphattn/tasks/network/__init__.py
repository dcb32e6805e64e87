"""Label the nodes of a network: from a table of nodes and one of edges to labels with an honest confidence."""

import importlib
from typing import TYPE_CHECKING, Any

from graphattn.tasks.network.columns import columns_table
from graphattn.tasks.network.network import ColumnRole, Network
from graphattn.tasks.network.read import read_network
from graphattn.tasks.network.reject import Reject
from graphattn.tasks.network.rejects import write_rejects

if TYPE_CHECKING:
    from graphattn.tasks.network.classifier import NodeClassifier, NodeRegressor

__all__ = [
    "ColumnRole",
    "Network",
    "NodeClassifier",
    "NodeRegressor",
    "Reject",
    "columns_table",
    "read_network",
    "write_rejects",
]


def __getattr__(name: str) -> Any:
    if name in ("NodeClassifier", "NodeRegressor"):  # Lightning loads when they are first touched
        return getattr(importlib.import_module(f"{__name__}.classifier"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
