"""Layers built on the one operator.

Those that PyG has too load PyG when they are first touched.
"""

import importlib
from typing import TYPE_CHECKING, Any

from graphattn.nn import generation, positions, registry
from graphattn.nn.attention import MultiheadAttention
from graphattn.nn.cache import KeyValueCache
from graphattn.nn.decoder import TransformerDecoder, TransformerDecoderLayer
from graphattn.nn.features import PerformerFeatures, elu_features
from graphattn.nn.from_torch import from_torch
from graphattn.nn.heads import GraphHead, NodeHead
from graphattn.nn.linformer import LinformerAttention
from graphattn.nn.lsh_attention import LSHAttention
from graphattn.nn.masked_language import MaskedLanguageHead, mask_tokens
from graphattn.nn.on_graph import OnGraph
from graphattn.nn.pooling import AttentionPooling
from graphattn.nn.reversible import ReversibleEncoder
from graphattn.nn.seq2seq import Seq2SeqHead
from graphattn.nn.token_decoder import TokenDecoder
from graphattn.nn.transformer import GraphTransformerLayer, TransformerEncoder

if TYPE_CHECKING:
    from graphattn.nn.aggr.attentional import AttentionalAggregation
    from graphattn.nn.aggr.gmt import GraphMultisetTransformer
    from graphattn.nn.aggr.set2set import Set2Set
    from graphattn.nn.aggr.set_transformer import SetTransformerAggregation
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
    from graphattn.nn.models.attentive_fp import AttentiveFP
    from graphattn.nn.models.gat import GAT
    from graphattn.nn.patching import from_pyg

__all__ = [
    "GAT",
    "AGNNConv",
    "AttentionPooling",
    "AttentionalAggregation",
    "AttentiveFP",
    "GATConv",
    "GATv2Conv",
    "GPSConv",
    "GeneralConv",
    "GraphHead",
    "GraphMultisetTransformer",
    "GraphTransformerLayer",
    "HANConv",
    "HGTConv",
    "KeyValueCache",
    "LSHAttention",
    "LinformerAttention",
    "MaskedLanguageHead",
    "MultiheadAttention",
    "NodeHead",
    "OnGraph",
    "PerformerFeatures",
    "RGATConv",
    "ReversibleEncoder",
    "Seq2SeqHead",
    "Set2Set",
    "SetTransformerAggregation",
    "SuperGATConv",
    "TokenDecoder",
    "TransformerConv",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "elu_features",
    "from_pyg",
    "from_torch",
    "generation",
    "mask_tokens",
    "positions",
]


def __getattr__(name: str) -> Any:
    if name in registry.LAYERS:
        return registry.load(name)
    if name == "from_pyg":
        return importlib.import_module("graphattn.nn.patching").from_pyg
    raise AttributeError(f"module 'graphattn.nn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
