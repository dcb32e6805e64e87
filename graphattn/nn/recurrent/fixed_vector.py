"""An encoder whose memory is a single vector: the baseline without attention."""

from __future__ import annotations

from typing import Any

from torch import nn

from graphattn.nn.recurrent.encoder import Encoded


class FixedVector(nn.Module):
    """Use an encoder's summary as its memory, for encoder-decoder models without attention.

        memory = [summary]

    The decoder gets the same vector at every step, so that comparing with the same model with attention shows what
    attention contributes. Use it with `Alignment(query_dim, encoder.summary_dim, score="none")`, which has no
    parameters.

    Args:
        encoder: maps inputs to `Encoded`, such as `RecurrentEncoder`.

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
        """Encode the inputs."""
        summary = self.encoder(*inputs).summary
        return Encoded(summary, [1] * len(summary), summary)
