"""ALiBi: attention with linear biases."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from graphattn.graph import Graph
from graphattn.nn.positions.place import distances


class ALiBi(nn.Module):
    """A penalty proportional to distance, without parameters.

        b_ij^h = −m_h |i − j|,   m_h = 2^(−8 h / H), h = 1, ..., H

    If H is not a power of two, the slopes of the next lower power are followed by every other slope of the next higher
    power, as in the paper's code. The bias is symmetric; on a causal graph it is that of the paper.

    Args:
        num_heads: H.

    Shapes:
        graph of E edges → `[E, H]`, for `edge_bias`, computed for the edges of the graph only.

    Example:
        >>> from graphattn.graph import causal
        >>> ALiBi(2)(causal(2))
        tensor([[ 0.0000,  0.0000],
                [-0.0625, -0.0039],
                [ 0.0000,  0.0000]])

    Press et al. 2022, arXiv:2108.12409, section 3.
    """

    slopes: Tensor

    def __init__(self, num_heads: int) -> None:
        super().__init__()
        if num_heads < 1:
            raise ValueError(f"num_heads must be at least 1, got {num_heads}")
        power = 2 ** math.floor(math.log2(num_heads))
        between = _slopes(2 * power)[0::2][: num_heads - power]
        self.register_buffer("slopes", torch.cat([_slopes(power), between]), persistent=False)

    def forward(self, graph: Graph, position: Tensor | None = None, key_position: Tensor | None = None) -> Tensor:
        """The bias of each edge, `[E, H]`; see `graphattn.nn.positions.distances` for the positions."""
        return -distances(graph, position, key_position).abs().unsqueeze(1) * self.slopes


def _slopes(num_heads: int) -> Tensor:
    return 2 ** (-8 * torch.arange(1, num_heads + 1) / num_heads)
