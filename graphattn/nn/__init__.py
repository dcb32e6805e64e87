"""Layers built on the one operator.

Those that PyG has too load PyG when they are first touched.
"""

import importlib
from typing import TYPE_CHECKING, Any

from graphattn.nn.attention import MultiheadAttention
from graphattn.nn.pooling import AttentionPooling
from graphattn.nn.transformer import GraphTransformerLayer

if TYPE_CHECKING:
    from graphattn.nn.conv.gat import GATConv
    from graphattn.nn.conv.gatv2 import GATv2Conv
    from graphattn.nn.conv.transformer import TransformerConv

_WITH_PYG = {
    "GATConv": "conv.gat",
    "GATv2Conv": "conv.gatv2",
    "TransformerConv": "conv.transformer",
}

__all__ = [
    "AttentionPooling",
    "GATConv",
    "GATv2Conv",
    "GraphTransformerLayer",
    "MultiheadAttention",
    "TransformerConv",
]


def __getattr__(name: str) -> Any:
    if name in _WITH_PYG:
        return getattr(importlib.import_module(f"graphattn.nn.{_WITH_PYG[name]}"), name)
    raise AttributeError(f"module 'graphattn.nn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
