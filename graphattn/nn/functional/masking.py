"""Random masking of tokens for masked language modeling."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor


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
