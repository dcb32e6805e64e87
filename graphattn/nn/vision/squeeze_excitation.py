"""Squeeze-and-excitation: attention over the channels of a feature map."""

from __future__ import annotations

from torch import Tensor, nn

from graphattn.nn.vision.gate import gate


class SqueezeExcitation(nn.Module):
    """Each channel of an image, as strong as the whole image says.

        z_c = mean of x_c over the places,   s = sigmoid(W_2 relu(W_1 z)),   out_c = s_c x_c

    As a graph: a node for each image that sees itself, a head for each channel whose value is the channel's map, the
    score given by the image and the normalizer sigmoid.

    Args:
        channels: C.
        reduction: r; the layer between has C / r numbers (at least one).

    Shapes:
        `[B, C, height, width]` → the same.

    Hu et al. 2018, arXiv:1709.01507, eq. 2-4; the biases beside W_1 and W_2 are from its code.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        if reduction < 1:
            raise ValueError(f"reduction must be at least 1, got {reduction}")
        hidden = max(channels // reduction, 1)
        self.excite = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the channels of images `[B, C, height, width]`."""
        maps = x.flatten(2)  # [B, C, places]: nodes, heads, values
        return gate(self.excite(maps.mean(dim=2)), maps).view_as(x)
