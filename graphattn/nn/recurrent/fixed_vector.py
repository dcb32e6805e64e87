"""An encoder whose memory is one vector, which leaves a decoder nothing to attend to."""

from __future__ import annotations

from typing import Any

from torch import nn

from graphattn.nn.recurrent.encoder import Encoded


class FixedVector(nn.Module):
    """An encoder's summary in place of its memory: the translator without attention.

        memory = [summary]

    Every step of a decoder is given the same vector, so that the rest of the model stays as it is and the difference
    is what attention brings. `Alignment(query_dim, encoder.summary_dim, score="none")`, which has no parameters, looks
    at it.

    Args:
        encoder: from inputs to `Encoded`, such as `RecurrentEncoder`.

    Cho et al. 2014, arXiv:1406.1078, section 2.2: "RNNencdec" of Bahdanau et al. 2015, arXiv:1409.0473, section 4.2.

    Example:
        >>> import torch, graphattn as ga
        >>> encoder = ga.nn.FixedVector(ga.nn.RecurrentEncoder(100, 8, 16))
        >>> encoded = encoder([torch.tensor([5, 3, 7]), torch.tensor([2])])
        >>> encoded.memory.shape, encoded.sizes
        (torch.Size([2, 32]), [1, 1])
    """

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        self.memory_dim = self.summary_dim = encoder.summary_dim

    def forward(self, *inputs: Any) -> Encoded:
        """Read."""
        summary = self.encoder(*inputs).summary
        return Encoded(summary, [1] * len(summary), summary)
