"""A language model: a Transformer decoder without cross-attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from graphattn.nn.generation import sample
from graphattn.nn.transformer.token_decoder import TokenDecoder


class LanguageModel(TokenDecoder):
    """A Transformer language model: attention on causal graphs.

    Args:
        num_tokens: the size of the vocabulary.
        embed_dim: width.
        num_heads: attention heads; divides `embed_dim`.
        depth: the number of layers.
        **options: further arguments of `TokenDecoder`.

    Shapes:
        tokens `[N]`, packed sequences of `sizes` → scores of the token after each, `[N, num_tokens]`.

    Radford et al. 2019, "Language models are unsupervised multitask learners", section 2.3; here with sinusoidal
    positions.
    """

    def __init__(self, num_tokens: int, embed_dim: int, num_heads: int, depth: int, **options: Any) -> None:
        super().__init__(num_tokens, embed_dim, num_heads, depth, cross=False, **options)

    @torch.no_grad()
    def generate(
        self, prompts: Sequence[Tensor], *, max_length: int, end: int | None = None, **options: Any
    ) -> list[list[int]]:
        """Continue each prompt; `**options` are those of `graphattn.nn.generation.sample`.

        Call it in eval mode. Keys and values are cached, so each step processes one token.

        Raises:
            ValueError: a prompt is empty.
        """
        sizes = [len(prompt) for prompt in prompts]
        if 0 in sizes:
            raise ValueError("a prompt holds a token at least, but one is empty")
        state = self.decoder.start()
        last = torch.cat([prompt[-1:] for prompt in prompts])
        if max(sizes) == 1:
            return sample(self.step, state, last, end=end, max_length=max_length, **options)
        scores, state = self.step(torch.cat(list(prompts)), state, sizes)
        first = [scores]  # the last tokens of the prompts are already processed

        def step(tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
            return (first.pop(), state) if first else self.step(tokens, state)

        return sample(step, state, last, end=end, max_length=max_length, **options)
