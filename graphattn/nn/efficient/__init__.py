"""Attention whose cost grows more slowly than quadratically with the sequence length."""

from graphattn.nn.efficient.linformer import LinformerAttention
from graphattn.nn.efficient.longformer import LongformerAttention
from graphattn.nn.efficient.lsh import LSHAttention
from graphattn.nn.efficient.on_graph import OnGraph

__all__ = [
    "LSHAttention",
    "LinformerAttention",
    "LongformerAttention",
    "OnGraph",
]
