"""Layers built on the one operator.

Those that PyG has too load PyG when they are first touched.
"""

import importlib
from typing import TYPE_CHECKING, Any

from graphattn.nn import generation, positions
from graphattn.nn.attention import MultiheadAttention
from graphattn.nn.efficient.linformer import LinformerAttention
from graphattn.nn.efficient.longformer import LongformerAttention
from graphattn.nn.efficient.lsh import LSHAttention
from graphattn.nn.efficient.on_graph import OnGraph
from graphattn.nn.feature_maps import PerformerFeatures, elu_features
from graphattn.nn.functional.edge_weights import normalize_edges, weighted_sum
from graphattn.nn.functional.hard_attention import (
    Reinforce,
    gumbel_softmax,
    log_probability,
    sample_edges,
    straight_through,
)
from graphattn.nn.heads.masked_language import MaskedLanguageHead, mask_tokens
from graphattn.nn.heads.graph import GraphHead, NodeHead
from graphattn.nn.heads.pooling import AttentionPooling
from graphattn.nn.heads.seq2seq import Seq2SeqHead
from graphattn.nn.pyg import registry
from graphattn.nn.recurrent.alignment import Aligned, Alignment, HardAlignment, LocalAlignment
from graphattn.nn.recurrent.decoder import (
    BahdanauDecoder,
    Decoded,
    DecoderState,
    LuongDecoder,
    RecurrentDecoder,
    Source,
)
from graphattn.nn.recurrent.encoder import Encoded, RecurrentEncoder
from graphattn.nn.recurrent.fixed_vector import FixedVector
from graphattn.nn.recurrent.turing import TuringMemory, TuringState
from graphattn.nn.transformer.decoder import TransformerDecoder, TransformerDecoderLayer
from graphattn.nn.transformer.encoder import GraphTransformerLayer, TransformerEncoder
from graphattn.nn.transformer.from_torch import from_torch
from graphattn.nn.transformer.gps_layer import GPSLayer
from graphattn.nn.transformer.kv_cache import KeyValueCache
from graphattn.nn.transformer.reversible import ReversibleEncoder
from graphattn.nn.transformer.token_decoder import TokenDecoder
from graphattn.nn.vision.cbam import CBAM
from graphattn.nn.vision.non_local import NonLocalBlock
from graphattn.nn.vision.patch_encoder import PatchEncoder
from graphattn.nn.vision.squeeze_excitation import SqueezeExcitation

if TYPE_CHECKING:
    from graphattn.nn.pyg.aggr.attentional import AttentionalAggregation
    from graphattn.nn.pyg.aggr.gmt import GraphMultisetTransformer
    from graphattn.nn.pyg.aggr.set2set import Set2Set
    from graphattn.nn.pyg.aggr.set_transformer import SetTransformerAggregation
    from graphattn.nn.pyg.conv.agnn import AGNNConv
    from graphattn.nn.pyg.conv.dense_gat import DenseGATConv, DenseGATv2Conv
    from graphattn.nn.pyg.conv.gat import GATConv
    from graphattn.nn.pyg.conv.gatv2 import GATv2Conv
    from graphattn.nn.pyg.conv.general import GeneralConv
    from graphattn.nn.pyg.conv.han import HANConv
    from graphattn.nn.pyg.conv.hgt import HGTConv
    from graphattn.nn.pyg.conv.rgat import RGATConv
    from graphattn.nn.pyg.conv.supergat import SuperGATConv
    from graphattn.nn.pyg.conv.transformer import TransformerConv
    from graphattn.nn.pyg.gps import GPSConv
    from graphattn.nn.pyg.models.attentive_fp import AttentiveFP
    from graphattn.nn.pyg.models.gat import GAT
    from graphattn.nn.pyg.patching import from_pyg

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
