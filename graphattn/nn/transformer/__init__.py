"""Transformer layers: encoder and decoders, with a key/value cache, and conversion from PyTorch's modules."""

from graphattn.nn.transformer.decoder import DecoderState, LayerState, TransformerDecoder, TransformerDecoderLayer
from graphattn.nn.transformer.encoder import GraphTransformerLayer, TransformerEncoder
from graphattn.nn.transformer.from_torch import from_torch
from graphattn.nn.transformer.gps_layer import GPSLayer
from graphattn.nn.transformer.kv_cache import KeyValueCache
from graphattn.nn.transformer.reversible import ReversibleEncoder
from graphattn.nn.transformer.token_decoder import TokenDecoder

__all__ = [
    "DecoderState",
    "GPSLayer",
    "GraphTransformerLayer",
    "KeyValueCache",
    "LayerState",
    "ReversibleEncoder",
    "TokenDecoder",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "from_torch",
]
