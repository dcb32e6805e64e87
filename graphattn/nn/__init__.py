"""Layers built on the one operator."""

from graphattn.nn.attention import MultiheadAttention
from graphattn.nn.features import PerformerFeatures, elu_features
from graphattn.nn.gat import GATConv
from graphattn.nn.gatv2 import GATv2Conv
from graphattn.nn.linformer import LinformerAttention
from graphattn.nn.pooling import AttentionPooling
from graphattn.nn.transformer import GraphTransformerLayer

__all__ = [
    "AttentionPooling",
    "GATConv",
    "GATv2Conv",
    "GraphTransformerLayer",
    "LinformerAttention",
    "MultiheadAttention",
    "PerformerFeatures",
    "elu_features",
]
