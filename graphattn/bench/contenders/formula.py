"""The formula that every contender computes, edge by edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch.nn.functional as F
from torch import Tensor

SLOPE = 0.2  # of the leaky ReLU

ToEdges = Callable[[Tensor], Tensor]


def scores_and_values(score: str, leaves: Sequence[Tensor], at_dst: ToEdges, at_src: ToEdges) -> tuple[Tensor, Tensor]:
    """Scores `[E, H]` and values `[E, H, D]` of all edges.

    Args:
        score: "dot", "sum" or "additive".
        leaves: as `Case.leaves` gives them.
        at_dst: takes a tensor of the destinations to the edges.
        at_src: takes a tensor of the sources to the edges.
    """
    if score == "dot":
        q, k, v = leaves
        return (at_dst(q) * at_src(k)).sum(-1) * q.shape[-1] ** -0.5, at_src(v)
    if score == "sum":
        q, k, v = leaves
        return F.leaky_relu(at_dst(q) + at_src(k), SLOPE), at_src(v)
    q, k, vector = leaves
    key = at_src(k)
    return (F.leaky_relu(at_dst(q) + key, SLOPE) * vector).sum(-1), key
