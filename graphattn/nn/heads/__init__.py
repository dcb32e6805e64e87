"""Output heads: one output per node, one per graph, or a sequence."""

from graphattn.nn.heads.graph import GraphHead
from graphattn.nn.heads.masked_language import MaskedLanguageHead
from graphattn.nn.heads.node import NodeHead
from graphattn.nn.heads.pooling import AttentionPooling
from graphattn.nn.heads.seq2seq import Seq2SeqHead

__all__ = [
    "AttentionPooling",
    "GraphHead",
    "MaskedLanguageHead",
    "NodeHead",
    "Seq2SeqHead",
]
