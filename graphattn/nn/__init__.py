"""Layers on graphs, grouped by kind; those that PyTorch Geometric has too load it when they are first used."""

import importlib
from typing import TYPE_CHECKING, Any

from graphattn.deprecation import renamed
from graphattn.nn import efficient, functional, generation, heads, positions, recurrent, transformer, vision
from graphattn.nn.attention import MultiheadAttention
from graphattn.nn.efficient import LinformerAttention, LongformerAttention, LSHAttention, OnGraph
from graphattn.nn.feature_dropout import FeatureDropout
from graphattn.nn.feature_maps import PerformerFeatures
from graphattn.nn.heads import AttentionPooling, GraphHead, MaskedLanguageHead, NodeHead, Seq2SeqHead
from graphattn.nn.pyg import registry
from graphattn.nn.recurrent import (
    Alignment,
    BahdanauDecoder,
    FixedVector,
    HardAlignment,
    LocalAlignment,
    LuongDecoder,
    RecurrentDecoder,
    RecurrentEncoder,
    Reinforce,
    TuringMemory,
)
from graphattn.nn.transformer import (
    GPSLayer,
    GraphTransformerLayer,
    ReversibleEncoder,
    TokenDecoder,
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    from_torch,
)
from graphattn.nn.vision import CBAM, NonLocalBlock, PatchEncoder, SqueezeExcitation

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
    from graphattn.nn.pyg.patching import from_pyg_layer

__all__ = [
    "CBAM",
    "GAT",
    "AGNNConv",
    "Alignment",
    "AttentionPooling",
    "AttentionalAggregation",
    "AttentiveFP",
    "BahdanauDecoder",
    "DenseGATConv",
    "DenseGATv2Conv",
    "FeatureDropout",
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
    "SqueezeExcitation",
    "SuperGATConv",
    "TokenDecoder",
    "TransformerConv",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TuringMemory",
    "efficient",
    "from_pyg_layer",
    "from_torch",
    "functional",
    "generation",
    "heads",
    "positions",
    "recurrent",
    "transformer",
    "vision",
]

_ALSO_WITH_PYG = {"DenseGATv2Conv": "conv.dense_gat", "from_pyg_layer": "patching"}
"""Names that need PyG although PyG has no layer of that name, and their modules in `graphattn.nn.pyg`."""

_MOVED = {
    "functional": (
        "elu_features gumbel_softmax log_probability mask_tokens normalize_edges sample_edges straight_through "
        "weighted_sum"
    ),
    "recurrent": "Aligned Decoded DecoderState Encoded Source TuringState",
    "transformer": "KeyValueCache",
}
_renamed = renamed(
    __name__,
    {name: f"graphattn.nn.{folder}:{name}" for folder, names in _MOVED.items() for name in names.split()}
    | {"from_pyg": "graphattn.nn:from_pyg_layer"},
)


def __getattr__(name: str) -> Any:
    if name in registry.LAYERS:
        return registry.load(name)
    if name in _ALSO_WITH_PYG:
        return getattr(importlib.import_module(f"graphattn.nn.pyg.{_ALSO_WITH_PYG[name]}"), name)
    return _renamed(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
