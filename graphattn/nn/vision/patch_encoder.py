"""An encoder of images for attending decoders."""

from __future__ import annotations

from torch import Tensor, nn

from graphattn.nn.recurrent.encoder import Encoded


class PatchEncoder(nn.Module):
    """The positions of a feature map as memory, row by row, and their mean as summary.

        h_j = features(image)[:, j],   summary = (1 / P) Σ_j h_j

    Args:
        features: a convolutional network that maps images `[B, channels, height, width]` to `[B, C, h, w]`.
        channels: C.

    For image captions use it with `BahdanauDecoder(cell="lstm")` and `Alignment` (soft attention) or `HardAlignment`.

    Xu et al. 2015 (Show, Attend and Tell), arXiv:1502.03044, section 3.1.1: the annotation vectors
    are the features of a convolutional layer, there of a VGG trained on ImageNet. The paper's regularizer (eq. 14) is
    (1 − Σ_t α_t)² of the alignments that the decoder returns.
    """

    def __init__(self, features: nn.Module, channels: int) -> None:
        super().__init__()
        self.features = features
        self.memory_dim = self.summary_dim = channels

    def forward(self, images: Tensor) -> Encoded:
        """Encode images `[B, channels, height, width]`.

        Raises:
            ValueError: the feature maps do not have C channels.
        """
        maps = self.features(images)
        if maps.ndim != 4 or maps.shape[1] != self.memory_dim:
            raise ValueError(f"features must give [B, {self.memory_dim}, h, w], got {list(maps.shape)}")
        places = maps.flatten(2).transpose(1, 2)  # [B, P, C]
        return Encoded(places.flatten(0, 1), [places.shape[1]] * len(places), places.mean(dim=1))
