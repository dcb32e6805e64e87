"""Beam search."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphattn.nn.generation.step import Step, select_rows
from graphattn.ops.precision import wide


class Hypothesis(NamedTuple):
    """A sequence found by the search."""

    tokens: list[int]
    """the tokens, without start and end token"""
    score: float
    """its log-probability divided by the length penalty"""


@torch.no_grad()
def beam_search(
    step: Step,
    state: Any,
    start: Tensor,
    *,
    end: int,
    max_length: int,
    num_beams: int = 4,
    length_penalty: float = 0.6,
) -> list[list[Hypothesis]]:
    """Find sequences of high score by beam search, best first.

        score(y) = log p(y) / ((5 + |y|) / 6) ^ length_penalty,   |y| includes the end token

    At each step each of the K beams is extended by every token. Finished sequences among the K best extensions are
    collected, and the K best unfinished ones are kept as beams. The search ends when no beam can still exceed the K
    best finished sequences, or at `max_length`, where unfinished sequences are scored as they are.

    Args:
        step: `step(tokens, state) -> scores, state`; see `Step`.
        state: the initial state of the model for the B sequences (see `select_rows`).
        start: the start token of each sequence, `[B]` integers.
        end: the end token.
        max_length: the maximum number of tokens of a sequence, including the end token.
        num_beams: K; 1 is greedy search.
        length_penalty: 0 ranks by log-probability, which favors short sequences.

    Returns:
        At most K hypotheses for each of the B inputs; fewer only if there are fewer sequences.

    Raises:
        ValueError: `start` is not `[B]` integers, or an argument is out of range.

    Example:
        >>> import torch
        >>> log_p = torch.tensor([[0.1, 0.6, 0.3], [0.9, 0.1, 0.0], [0.2, 0.4, 0.4]]).log()  # token 0 is the end
        >>> beams = beam_search(lambda tokens, state: (log_p[tokens], state), None, torch.tensor([2]),
        ...                     end=0, max_length=5, num_beams=2, length_penalty=0.0)
        >>> [(hypothesis.tokens, round(hypothesis.score, 3)) for hypothesis in beams[0]]
        [([1], -1.022), ([2, 1], -1.938)]

    Wu et al. 2016, arXiv:1609.08144, eq. 14, without its coverage penalty.
    """
    if start.ndim != 1 or start.is_floating_point():
        raise ValueError(
            f"start holds one token for each sequence, [B] integers, got {start.dtype} {list(start.shape)}"
        )
    for name, number in (("max_length", max_length), ("num_beams", num_beams)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    if length_penalty < 0:
        raise ValueError(f"length_penalty must not be negative, got {length_penalty}")

    def penalty(length: int) -> float:
        return ((5 + length) / 6) ** length_penalty

    B, K = len(start), num_beams
    first = K * torch.arange(B, device=start.device).unsqueeze(1)  # the first beam of each sequence, as a row
    state = select_rows(state, torch.arange(B, device=start.device).repeat_interleave(K))
    tokens, history = start.repeat_interleave(K), start.new_empty(B, K, 0)
    total = torch.full((B, K), -torch.inf, device=start.device)
    total[:, 0] = 0  # all beams of a sequence start identically, so only one of them counts
    ended: list[list[Hypothesis]] = [[] for _ in range(B)]
    for length in range(1, max_length + 1):
        scores, state = step(tokens, state)
        V = scores.shape[-1]
        log_p = wide(scores).log_softmax(-1).view(B, K, V)
        best, place = (total.unsqueeze(2) + log_p).flatten(1).topk(min(2 * K, K * V))
        beam, token = place // V, place % V
        ends = token == end
        for b, rank in (ends & best.isfinite())[:, :K].nonzero().tolist():
            ended[b].append(Hypothesis(history[b, beam[b, rank]].tolist(), best[b, rank].item() / penalty(length)))
        total, choice = best.masked_fill(ends, -torch.inf).topk(K)
        beam, token = beam.gather(1, choice), token.gather(1, choice)
        history = torch.cat([history.gather(1, beam.unsqueeze(2).expand(-1, -1, length - 1)), token.unsqueeze(2)], 2)
        for b, most in enumerate((total.amax(1) / penalty(max_length)).tolist()):
            ended[b] = sorted(ended[b], key=lambda hypothesis: -hypothesis.score)[:K]
            if len(ended[b]) == K and ended[b][-1].score >= most:
                total[b] = -torch.inf  # log-probabilities only decrease, and this penalty is the largest
        if not total.isfinite().any():
            break
        tokens, state = token.flatten(), select_rows(state, (first + beam).flatten())
    for b, beam_number in total.isfinite().nonzero().tolist():
        unfinished = total[b, beam_number].item() / penalty(max_length)
        ended[b].append(Hypothesis(history[b, beam_number].tolist(), unfinished))
    return [sorted(found, key=lambda hypothesis: -hypothesis.score)[:K] for found in ended]
