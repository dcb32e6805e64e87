"""Random masking of tokens for masked language modeling."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor


class Masked(NamedTuple):
    """Tokens of which some are masked."""

    tokens: Tensor
    """the input of the network, `[N]`"""
    chosen: Tensor
    """the tokens to predict, `[N]` bool"""


def mask_tokens(
    tokens: Tensor,
    *,
    num_tokens: int,
    mask: int,
    special: Tensor | None = None,
    probability: float = 0.15,
    generator: Generator | None = None,
) -> Masked:
    """Select 15 % of the tokens; replace 80 % of these by the mask token, 10 % by a random token and keep 10 %.

    Args:
        tokens: `[N]` integers.
        num_tokens: the size of the vocabulary, from which random tokens are drawn.
        mask: the mask token.
        special: tokens that are never selected, such as class tokens, `[N]` bool; none when None.
        probability: the probability that a token is selected, independently of the others.
        generator: random number generator, on the device of `tokens`; torch's default generator when None.

    Raises:
        ValueError: `probability` is not in [0, 1].

    Devlin et al. 2019, arXiv:1810.04805, section 3.1, task 1. There exactly 15 % of each sequence are selected,
    here each token with a probability of 15 %. As in its code, a random token may equal the original one.
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
