"""Label the nodes of a network: from a table of nodes and one of edges to labels with an honest confidence."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphattn.tasks.network.classifier import NodeClassifier, NodeRegressor
    from graphattn.tasks.network.network import Network
    from graphattn.tasks.network.read import read_network

__all__ = ["Network", "NodeClassifier", "NodeRegressor", "read_network"]

_WHERE = {
    "NodeClassifier": "classifier",
    "NodeRegressor": "classifier",
    "Network": "network",
    "read_network": "network",
}


def __getattr__(name: str) -> Any:
    if name in _WHERE:  # pandas and Lightning load when they are first touched
        return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
