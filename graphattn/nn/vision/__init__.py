"""Attention over the channels, positions and patches of images."""

from graphattn.nn.vision.cbam import CBAM
from graphattn.nn.vision.non_local import NonLocalBlock
from graphattn.nn.vision.patch_encoder import PatchEncoder
from graphattn.nn.vision.squeeze_excitation import SqueezeExcitation

__all__ = [
    "CBAM",
    "NonLocalBlock",
    "PatchEncoder",
    "SqueezeExcitation",
]
