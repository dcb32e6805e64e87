"""BERT's objective: guess the words that were hidden."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn


class Masked(NamedTuple):
    """Tokens of which some are hidden."""

    tokens: Tensor
    """what the network sees, `[N]`"""
    chosen: Tensor
    """which it has to guess, `[N]` bool"""


def mask_tokens(
    tokens: Tensor,
    *,
    num_tokens: int,
    mask: int,
    special: Tensor | None = None,
    probability: float = 0.15,
    generator: Generator | None = None,
) -> Masked:
    """Choose 15 % of the tokens; of those hide 80 % behind the mask, replace 10 % by any token and leave 10 %.

    Args:
        tokens: `[N]` integers.
        num_tokens: the size of the vocabulary, from which replacements are drawn.
        mask: the token that hides.
        special: which tokens are never chosen, such as class tokens, `[N]` bool; none when None.
        probability: with which each token is chosen, by itself.
        generator: where the randomness comes from, on the device of `tokens`; torch's default generator when None.

    Raises:
        ValueError: `probability` is none.

    Devlin et al. 2019, arXiv:1810.04805, section 3.1, task 1. There 15 % of each sequence are chosen, here each token
    with a chance of 15 %; and as in its code a replacement may happen to be the token itself.
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"probability must be from 0 to 1, got {probability}")
    drawn, fate = torch.rand(2, *tokens.shape, device=tokens.device, generator=generator)
    chosen = drawn < probability
    if special is not None:
        chosen &= ~special
    replacement = torch.randint(num_tokens, tokens.shape, device=tokens.device, generator=generator)
    seen = tokens.masked_fill(chosen & (fate < 0.8), mask)
    return Masked(torch.where(chosen & (fate >= 0.9), replacement, seen), chosen)


class MaskedLanguageHead(nn.Module):
    """Scores of every token, for nodes whose token is to be guessed.

        scores_i = E norm(gelu(W x_i + b)) + c,   E the embedding of the tokens

    Args:
        embedding: the table of the encoder, which is shared, not copied.

    Shapes:
        x `[N, embed_dim]` → `[N, num_tokens]`. Give it the chosen nodes only: `head(x[chosen])`.

    Devlin et al. 2019, arXiv:1810.04805, section 3.1, as in its code.
    """

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__()
        num_tokens, embed_dim = embedding.weight.shape
        self.transform = nn.Sequential(nn.Linear(embed_dim, embed_dim), nn.GELU(), nn.LayerNorm(embed_dim))
        self.out = nn.Linear(embed_dim, num_tokens)
        self.out.weight = embedding.weight
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """The scores."""
        return self.out(self.transform(x))
