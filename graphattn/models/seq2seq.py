"""Encoder-decoder models with recurrent decoders, such as for translation and image captions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graphattn.nn.generation import beam_search, sample
from graphattn.nn.recurrent.decoder import Decoded, DecoderState, RecurrentDecoder


class Seq2Seq(nn.Module):
    """An encoder and a recurrent decoder with attention.

    Args:
        encoder: maps inputs to `graphattn.nn.recurrent.Encoded`, such as `RecurrentEncoder` for sentences or
            `PatchEncoder` for images.
        decoder: `BahdanauDecoder` or `LuongDecoder`.
        start: the start token.
        end: the end token.

    Example:
        >>> import torch, graphattn as ga
        >>> encoder = ga.nn.RecurrentEncoder(100, 8, 16)
        >>> decoder = ga.nn.BahdanauDecoder(50, 8, ga.nn.Alignment(16, encoder.memory_dim), encoder.summary_dim)
        >>> model = ga.models.Seq2Seq(encoder, decoder, start=1, end=2)
        >>> sentences = [torch.tensor([5, 3, 7]), torch.tensor([2, 9])]
        >>> decoded = model(sentences, torch.tensor([[1, 4, 6], [1, 8, 2]]))
        >>> decoded.logits.shape, decoded.alignments.shape  # [B, T, V] and [T, words of both sentences]
        (torch.Size([2, 3, 50]), torch.Size([3, 5]))
        >>> len(model.generate(sentences, max_length=4, num_beams=3))
        2

    Bahdanau et al. 2015, arXiv:1409.0473; Luong et al. 2015, arXiv:1508.04025.
    """

    def __init__(self, encoder: nn.Module, decoder: RecurrentDecoder, *, start: int, end: int) -> None:
        super().__init__()
        self.encoder, self.decoder, self.start, self.end = encoder, decoder, start, end

    def forward(self, inputs: Any, tokens: Tensor) -> Decoded:
        """Predict the token after each of the given tokens (teacher forcing).

        Args:
            inputs: B inputs of the encoder.
            tokens: `[B, T]`, the start token first.
        """
        return self.decoder(tokens, self.encoder(inputs))

    @torch.no_grad()
    def generate(self, inputs: Any, *, max_length: int, num_beams: int = 1) -> list[list[int]]:
        """Generate by greedy search or beam search. Call it in eval mode.

        Args:
            inputs: B inputs of the encoder.
            max_length: the maximum number of tokens, including the end token.
            num_beams: the number of beams; 1 is greedy search.

        Returns:
            The tokens for each input, without start and end token. Pass them to `forward` for the alignments.
        """
        encoded = self.encoder(inputs)
        source, state = self.decoder.source(encoded), self.decoder.begin(encoded)
        start = torch.full((len(encoded.sizes),), self.start, device=encoded.memory.device)

        def step(tokens: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
            return self.decoder.step(tokens, state, source)

        if num_beams == 1:
            return sample(step, state, start, end=self.end, max_length=max_length, temperature=0)
        found = beam_search(step, state, start, end=self.end, max_length=max_length, num_beams=num_beams)
        return [hypotheses[0].tokens for hypotheses in found]
