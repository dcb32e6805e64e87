"""Layers built on the one operator."""

from graphattn.nn.attention import MultiheadAttention
from graphattn.nn.gat import GATConv
from graphattn.nn.gatv2 import GATv2Conv
from graphattn.nn.pooling import AttentionPooling
from graphattn.nn.transformer import GraphTransformerLayer

__all__ = ["AttentionPooling", "GATConv", "GATv2Conv", "GraphTransformerLayer", "MultiheadAttention"]
