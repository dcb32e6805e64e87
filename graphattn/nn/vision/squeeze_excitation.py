"""Squeeze-and-excitation: attention over the channels of a feature map."""

from __future__ import annotations

from torch import Tensor, nn

from graphattn.nn.vision.gate import gate


class SqueezeExcitation(nn.Module):
    """Channel attention: each channel is scaled by a gate computed from the whole image.

        z_c = mean of x_c over positions,   s = sigmoid(W_2 relu(W_1 z)),   out_c = s_c x_c

    As graph attention: one node per image with a self-loop, one head per channel whose value is the feature map, and
    the normalizer "sigmoid".

    Args:
        channels: C.
        reduction: r; the hidden layer has C / r units (at least one).

    Shapes:
        `[B, C, height, width]` → the same.

    Hu et al. 2018, arXiv:1709.01507, eq. 2-4; the biases of W_1 and W_2 are as in its code.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        if reduction < 1:
            raise ValueError(f"reduction must be at least 1, got {reduction}")
        hidden = max(channels // reduction, 1)
        self.excite = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Weight the channels of images `[B, C, height, width]`."""
        maps = x.flatten(2)  # [B, C, places]: nodes, heads, values
        return gate(self.excite(maps.mean(dim=2)), maps).view_as(x)
