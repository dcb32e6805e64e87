"""Label the nodes of a network: from a table of nodes and one of edges to labels with an honest confidence."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphattn.tasks.network.classifier import NodeClassifier, NodeRegressor
    from graphattn.tasks.network.columns import columns_table
    from graphattn.tasks.network.network import ColumnRole, Network
    from graphattn.tasks.network.read import read_network
    from graphattn.tasks.network.rejects import Reject, write_rejects

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

_WHERE = {
    "ColumnRole": "network",
    "Network": "network",
    "NodeClassifier": "classifier",
    "NodeRegressor": "classifier",
    "Reject": "rejects",
    "columns_table": "columns",
    "read_network": "read",
    "write_rejects": "rejects",
}


def __getattr__(name: str) -> Any:
    if name in _WHERE:  # pandas and Lightning load when they are first touched
        return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
