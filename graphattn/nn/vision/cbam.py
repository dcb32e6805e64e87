"""The convolutional block attention module: attention over channels, then over positions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphattn.nn.vision.gate import gate


class CBAM(nn.Module):
    """Channel attention followed by spatial attention.

        M_c = sigmoid(MLP(mean of x over positions) + MLP(max of x over positions)),   x' = M_c x
        M_s = sigmoid(conv([mean of x' over channels, max of x' over channels])),   out = M_s x'

    As graph attention: self-loops with the normalizer "sigmoid". M_c has one node per image and one head per channel,
    M_s one node per position and a single head.

    Args:
        channels: C.
        reduction: r; the hidden layer of the MLP has C / r units (at least one).
        kernel_size: kernel size of the convolution; odd, 7 in the paper.

    Shapes:
        `[B, C, height, width]` → the same.

    Woo et al. 2018, arXiv:1807.06521, eq. 1-3.
    """

    def __init__(self, channels: int, reduction: int = 16, kernel_size: int = 7) -> None:
        super().__init__()
        if reduction < 1:
            raise ValueError(f"reduction must be at least 1, got {reduction}")
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {kernel_size}")
        hidden = max(channels // reduction, 1)
        self.what = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))
        self.where = nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Weight channels and positions of images `[B, C, height, width]`."""
        maps = x.flatten(2)  # [B, C, places]: nodes, heads, values
        x = gate(self.what(maps.mean(dim=2)) + self.what(maps.amax(dim=2)), maps).view_as(x)
        scores = self.where(torch.stack([x.mean(dim=1), x.amax(dim=1)], dim=1))  # [B, 1, height, width]
        places = x.permute(0, 2, 3, 1)
        return gate(scores.view(-1, 1), places.reshape(-1, 1, x.shape[1])).view_as(places).permute(0, 3, 1, 2)
