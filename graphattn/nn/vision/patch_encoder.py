"""An image as a memory of patches."""

from __future__ import annotations

from torch import Tensor, nn

from graphattn.nn.recurrent.encoder import Encoded


class PatchEncoder(nn.Module):
    """The places of a feature map as the parts of a memory, row by row; their mean is the summary.

        h_j = features(image)[:, j],   summary = (1 / P) Σ_j h_j

    Args:
        features: a convolutional network, from images `[B, channels, height, width]` to maps `[B, C, h, w]`.
        channels: C.

    With `BahdanauDecoder(cell="lstm")` it writes captions: soft attention by `Alignment`, hard by `HardAlignment`.

    Xu et al. 2015 (Show, Attend and Tell), arXiv:1502.03044, section 3.1.1: annotation vectors of a layer that still
    has places; the network there is a VGG trained on ImageNet, here one's own. Its penalty on places that soft
    attention leaves out (eq. 14) is (1 − Σ_t α_t)² of the alignments that the decoder returns.
    """

    def __init__(self, features: nn.Module, channels: int) -> None:
        super().__init__()
        self.features = features
        self.memory_dim = self.summary_dim = channels

    def forward(self, images: Tensor) -> Encoded:
        """Look at images `[B, channels, height, width]`.

        Raises:
            ValueError: the network's maps do not have C channels.
        """
        maps = self.features(images)
        if maps.ndim != 4 or maps.shape[1] != self.memory_dim:
            raise ValueError(f"features must give [B, {self.memory_dim}, h, w], got {list(maps.shape)}")
        places = maps.flatten(2).transpose(1, 2)  # [B, P, C]
        return Encoded(places.flatten(0, 1), [places.shape[1]] * len(places), places.mean(dim=1))
