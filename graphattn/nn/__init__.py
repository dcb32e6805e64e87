"""Layers built on the one operator.

Those that PyG has too load PyG when they are first touched.
"""

import importlib
from typing import TYPE_CHECKING, Any

from graphattn.nn import registry
from graphattn.nn.attention import MultiheadAttention
from graphattn.nn.pooling import AttentionPooling
from graphattn.nn.transformer import GraphTransformerLayer

if TYPE_CHECKING:
    from graphattn.nn.conv.agnn import AGNNConv
    from graphattn.nn.conv.gat import GATConv
    from graphattn.nn.conv.gatv2 import GATv2Conv
    from graphattn.nn.conv.general import GeneralConv
    from graphattn.nn.conv.han import HANConv
    from graphattn.nn.conv.hgt import HGTConv
    from graphattn.nn.conv.rgat import RGATConv
    from graphattn.nn.conv.supergat import SuperGATConv
    from graphattn.nn.conv.transformer import TransformerConv
    from graphattn.nn.gps import GPSConv
    from graphattn.nn.patching import from_pyg

__all__ = [
    "AGNNConv",
    "AttentionPooling",
    "GATConv",
    "GATv2Conv",
    "GPSConv",
    "GeneralConv",
    "GraphTransformerLayer",
    "HANConv",
    "HGTConv",
    "MultiheadAttention",
    "RGATConv",
    "SuperGATConv",
    "TransformerConv",
    "from_pyg",
]


def __getattr__(name: str) -> Any:
    if name in registry.LAYERS:
        return registry.load(name)
    if name == "from_pyg":
        return importlib.import_module("graphattn.nn.patching").from_pyg
    raise AttributeError(f"module 'graphattn.nn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
