"""Label the nodes of a network, pairs of them or whole graphs: from two tables to labels with an honest confidence."""

import importlib
from typing import TYPE_CHECKING, Any

from graphattn.tasks.network.columns import columns_table
from graphattn.tasks.network.network import ColumnRole, Network
from graphattn.tasks.network.read import read_network
from graphattn.tasks.network.reject import Reject
from graphattn.tasks.network.rejects import write_rejects

if TYPE_CHECKING:
    from graphattn.tasks.network.classifier import NodeClassifier, NodeRegressor
    from graphattn.tasks.network.graphs.predictor import GraphPredictor
    from graphattn.tasks.network.links.predictor import LinkPredictor

__all__ = [
    "ColumnRole",
    "GraphPredictor",
    "LinkPredictor",
    "Network",
    "NodeClassifier",
    "NodeRegressor",
    "Reject",
    "columns_table",
    "read_network",
    "write_rejects",
]

_LAZY = {
    "GraphPredictor": "graphs.predictor",
    "LinkPredictor": "links.predictor",
    "NodeClassifier": "classifier",
    "NodeRegressor": "classifier",
}
"""Lightning loads when they are first touched"""


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
