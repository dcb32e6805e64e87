"""Recurrent encoders and decoders, the attention between them, and the records that they pass on."""

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
from graphattn.nn.recurrent.reinforce import Reinforce
from graphattn.nn.recurrent.turing import TuringMemory, TuringState

__all__ = [
    "Aligned",
    "Alignment",
    "BahdanauDecoder",
    "Decoded",
    "DecoderState",
    "Encoded",
    "FixedVector",
    "HardAlignment",
    "LocalAlignment",
    "LuongDecoder",
    "RecurrentDecoder",
    "RecurrentEncoder",
    "Reinforce",
    "Source",
    "TuringMemory",
    "TuringState",
]
