"""Layers built on the one operator.

Those that PyG has too load PyG when they are first touched.
"""

import importlib
from typing import TYPE_CHECKING, Any

from graphattn.nn import generation, positions, registry
from graphattn.nn.alignment import Aligned, Alignment, HardAlignment, LocalAlignment
from graphattn.nn.attention import MultiheadAttention
from graphattn.nn.cache import KeyValueCache
from graphattn.nn.cbam import CBAM
from graphattn.nn.decoder import TransformerDecoder, TransformerDecoderLayer
from graphattn.nn.edge_weights import normalize_edges, weighted_sum
from graphattn.nn.features import PerformerFeatures, elu_features
from graphattn.nn.fixed_vector import FixedVector
from graphattn.nn.from_torch import from_torch
from graphattn.nn.gps_layer import GPSLayer
from graphattn.nn.hard import Reinforce, gumbel_softmax, log_probability, sample_edges, straight_through
from graphattn.nn.heads import GraphHead, NodeHead
from graphattn.nn.linformer import LinformerAttention
from graphattn.nn.longformer_attention import LongformerAttention
from graphattn.nn.lsh_attention import LSHAttention
from graphattn.nn.masked_language import MaskedLanguageHead, mask_tokens
from graphattn.nn.non_local import NonLocalBlock
from graphattn.nn.on_graph import OnGraph
from graphattn.nn.patch_encoder import PatchEncoder
from graphattn.nn.pooling import AttentionPooling
from graphattn.nn.recurrent_decoder import (
    BahdanauDecoder,
    Decoded,
    DecoderState,
    LuongDecoder,
    RecurrentDecoder,
    Source,
)
from graphattn.nn.recurrent_encoder import Encoded, RecurrentEncoder
from graphattn.nn.reversible import ReversibleEncoder
from graphattn.nn.seq2seq import Seq2SeqHead
from graphattn.nn.squeeze_excitation import SqueezeExcitation
from graphattn.nn.token_decoder import TokenDecoder
from graphattn.nn.transformer import GraphTransformerLayer, TransformerEncoder
from graphattn.nn.turing import TuringMemory, TuringState

if TYPE_CHECKING:
    from graphattn.nn.aggr.attentional import AttentionalAggregation
    from graphattn.nn.aggr.gmt import GraphMultisetTransformer
    from graphattn.nn.aggr.set2set import Set2Set
    from graphattn.nn.aggr.set_transformer import SetTransformerAggregation
    from graphattn.nn.conv.agnn import AGNNConv
    from graphattn.nn.conv.dense_gat import DenseGATConv, DenseGATv2Conv
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
    "CBAM",
    "GAT",
    "AGNNConv",
    "Aligned",
    "Alignment",
    "AttentionPooling",
    "AttentionalAggregation",
    "AttentiveFP",
    "BahdanauDecoder",
    "Decoded",
    "DecoderState",
    "DenseGATConv",
    "DenseGATv2Conv",
    "Encoded",
    "FixedVector",
    "GATConv",
    "GATv2Conv",
    "GPSConv",
    "GPSLayer",
    "GeneralConv",
    "GraphHead",
    "GraphMultisetTransformer",
    "GraphTransformerLayer",
    "HANConv",
    "HGTConv",
    "HardAlignment",
    "KeyValueCache",
    "LSHAttention",
    "LinformerAttention",
    "LocalAlignment",
    "LongformerAttention",
    "LuongDecoder",
    "MaskedLanguageHead",
    "MultiheadAttention",
    "NodeHead",
    "NonLocalBlock",
    "OnGraph",
    "PatchEncoder",
    "PerformerFeatures",
    "RGATConv",
    "RecurrentDecoder",
    "RecurrentEncoder",
    "Reinforce",
    "ReversibleEncoder",
    "Seq2SeqHead",
    "Set2Set",
    "SetTransformerAggregation",
    "Source",
    "SqueezeExcitation",
    "SuperGATConv",
    "TokenDecoder",
    "TransformerConv",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TuringMemory",
    "TuringState",
    "elu_features",
    "from_pyg",
    "from_torch",
    "generation",
    "gumbel_softmax",
    "log_probability",
    "mask_tokens",
    "normalize_edges",
    "positions",
    "sample_edges",
    "straight_through",
    "weighted_sum",
]


_OWN = {"DenseGATv2Conv": "conv.dense_gat", "from_pyg": "patching"}
"""What needs PyG beside its namesakes, and the module here that it is in."""


def __getattr__(name: str) -> Any:
    if name in registry.LAYERS:
        return registry.load(name)
    if name in _OWN:
        return getattr(importlib.import_module(f"graphattn.nn.{_OWN[name]}"), name)
    raise AttributeError(f"module 'graphattn.nn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
