"""Sampling of sequences token by token, and greedy search."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor

from graphattn.nn.generation.step import Step


@torch.no_grad()
def sample(
    step: Step,
    state: Any,
    start: Tensor,
    *,
    end: int | None,
    max_length: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    generator: Generator | None = None,
) -> list[list[int]]:
    """Sample one sequence per row, token by token, from the distribution of the model.

        p(token) ∝ exp(score / temperature),   over the `top_k` tokens of highest score

    Args:
        step: `step(tokens, state) -> scores, state`; see `Step`.
        state: the model's state for the B sequences.
        start: the start token of each sequence, `[B]` integers.
        end: the end token; None for none.
        max_length: the maximum number of tokens of a sequence, including the end token.
        temperature: 0 selects the best token (greedy search), 1 samples from the distribution of the model.
        top_k: sample among this many best tokens (Fan et al. 2018, arXiv:1805.04833, section 5.1); all when None.
        generator: random number generator; torch's default generator when None.

    Returns:
        The tokens of each sequence, without start and end.

    Raises:
        ValueError: `start` is not `[B]` integers, or an argument is out of range.

    Example:
        >>> import torch
        >>> follows = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])  # 0 → 1 → 2 → 0
        >>> sample(lambda tokens, state: (follows[tokens], state), None, torch.tensor([0, 1]),
        ...        end=0, max_length=5, temperature=0)
        [[1, 2], [2]]
    """
    if start.ndim != 1 or start.is_floating_point():
        raise ValueError(
            f"start holds one token for each sequence, [B] integers, got {start.dtype} {list(start.shape)}"
        )
    if max_length < 1 or temperature < 0 or (top_k is not None and top_k < 1):
        raise ValueError(
            "max_length and top_k must be at least 1 and temperature at least 0, "
            f"got max_length={max_length}, top_k={top_k}, temperature={temperature}"
        )
    tokens, drawn = start, []
    open_ = torch.ones_like(start, dtype=torch.bool)
    for _ in range(max_length):
        scores, state = step(tokens, state)
        tokens = _draw(scores, temperature, top_k, generator)
        drawn.append(tokens)
        open_ = open_ if end is None else open_ & (tokens != end)
        if not open_.any():
            break
    rows = torch.stack(drawn, 1).tolist()
    return [row[: row.index(end)] if end in row else row for row in rows]


def _draw(scores: Tensor, temperature: float, top_k: int | None, generator: Generator | None) -> Tensor:
    """The next token of each row, `[R]`."""
    if temperature == 0:
        return scores.argmax(-1)
    best, place = scores.topk(min(top_k or scores.shape[-1], scores.shape[-1]))
    drawn = torch.multinomial((best / temperature).softmax(-1), 1, generator=generator)
    return place.gather(1, drawn).squeeze(1)
