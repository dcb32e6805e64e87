"""Partial results of softmax attention, and their exact merge."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class State(NamedTuple):
    """Softmax attention over some edges, in a form that can be merged with more.

    `out` `[M, H, Dv]` is the weighted mean, `lse` `[M, H]` the log of the sum of exponentials of the scores. A
    destination that saw no edge has out 0 and lse −inf.
    """

    out: Tensor
    lse: Tensor


def merge(*states: State) -> State:
    """Attention over the union of disjoint edge sets, from the states over each.

    lse = log Σ_t exp(lse_t),   out = Σ_t exp(lse_t − lse) out_t

    Args:
        states: results of `attention(…, return_state=True)` for the same destinations and heads.

    Returns:
        The state over all edges, exact up to rounding and differentiable in every part. A destination that no
        state has seen keeps out 0 and lse −inf.

    Raises:
        ValueError: no state, or states of different shapes.
        TypeError: something is not a state.

    Example:
        >>> import torch, graphattn as ga
        >>> q, k, v = torch.ones(1, 1, 2), torch.ones(2, 1, 2), torch.tensor([[[1.0]], [[3.0]]])
        >>> first, second = (ga.Graph(torch.tensor([[j], [0]]), num_dst=1, num_src=2) for j in (0, 1))
        >>> ga.merge(*(ga.attention(q, k, v, g, return_state=True) for g in (first, second))).out
        tensor([[[2.]]])

    Milakov & Gimelshein 2018, arXiv:1805.02867; Dao et al. 2022, arXiv:2205.14135, section 3.1.
    """
    if not states:
        raise ValueError("merge needs at least one state")
    for state in states:
        if not isinstance(state, State):
            raise TypeError(f"merge takes states, each an argument of its own; got {type(state).__name__}")
        if state.out.shape != states[0].out.shape or state.lse.shape != states[0].lse.shape:
            shapes = [(list(state.out.shape), list(state.lse.shape)) for state in states]
            raise ValueError(f"states of one merge share their shapes, got (out, lse) of {shapes}")
    lses = torch.stack([state.lse for state in states])
    top = lses.detach().amax(0)
    top = top.masked_fill(top == -torch.inf, 0)
    shares = (lses - top).exp()
    total = shares.sum(0)
    some = total != 0  # also where it is NaN, which must show
    safe = torch.where(some, total, 1)
    lse = torch.where(some, safe.log() + top, -torch.inf)
    weights = (shares / safe).unsqueeze(-1)
    out = sum(weight * state.out for weight, state in zip(weights, states, strict=True))
    return State(out.to(states[0].out.dtype), lse)
