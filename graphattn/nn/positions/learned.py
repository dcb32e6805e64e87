"""Learned absolute positions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LearnedPositions(nn.Module):
    """One learned vector per position.

    Args:
        max_length: positions are 0, ..., max_length − 1.
        width: width of the vectors.

    Shapes:
        position `[N]` integers → `[N, width]`.

    Gehring et al. 2017, arXiv:1705.03122, section 3.1; initialized from a normal distribution with standard
    deviation 0.02, as in BERT (Devlin et al. 2019, arXiv:1810.04805).
    """

    def __init__(self, max_length: int, width: int) -> None:
        super().__init__()
        self.max_length = max_length
        self.table = nn.Parameter(torch.empty(max_length, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new vectors."""
        nn.init.normal_(self.table, std=0.02)

    def forward(self, position: Tensor) -> Tensor:
        """Look up the vectors.

        Raises:
            ValueError: a position is negative or not below `max_length`.
        """
        low, high = position.aminmax() if position.numel() else (0, 0)
        if low < 0 or high >= self.max_length:
            raise ValueError(f"positions must lie from 0 to {self.max_length - 1}, got {low} to {high}")
        return F.embedding(position, self.table)
