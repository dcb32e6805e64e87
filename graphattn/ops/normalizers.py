"""How the scores of a destination's edges become weights.

Each function maps scores `[E, H]`, edges ordered by destination, to weights of the same shape. A
destination without edges, or whose scores are all −inf, has no weight to give; its output is zero.

| name        | weight of edge ij, over the edges of i                              | paper |
|-------------|---------------------------------------------------------------------|-------|
| "softmax"   | exp(s_ij) / Σ exp(s_ik)                                             | Bahdanau et al. 2015 |
| "relu"      | max(s_ij, 0)                                                        | Hung-yi Lee's lectures; Shen et al. 2023 |
| "sigmoid"   | 1 / (1 + exp(−s_ij))                                                | Ramapuram et al. 2024 |
| "identity"  | s_ij                                                                | linear attention without normalizer |
| "linear"    | s_ij / Σ s_ik (scores ≥ 0; zero where the sum is zero)              | Katharopoulos et al. 2020 |
| "sparsemax" | max(s_ij − τ_i, 0), τ_i such that they sum to one                   | Martins & Astudillo 2016 |
| "entmax15"  | max(s_ij / 2 − τ_i, 0)², τ_i such that they sum to one              | Peters et al. 2019 |
| "argmax"    | 1 for the first largest score, else 0; no gradient to the scores    | hard attention |
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from graphattn.ops.segment import Rows

Normalizer = Callable[[Tensor, Rows], Tensor]

_MOST_STEPS = 100  # Newton's method on entmax converges in about ten; NaN scores never do


def log_sum_exp(scores: Tensor, rows: Rows) -> Tensor:
    """log Σ exp(s_ij) over the edges of each destination, `[M, H]`; −inf where there is none."""
    top = _finite_max(scores, rows)
    total = rows.sum((scores - rows.spread(top)).exp())
    some = total > 0
    return torch.where(some, top + torch.where(some, total, 1).log(), -torch.inf).where(~total.isnan(), total)


def softmax(scores: Tensor, rows: Rows) -> Tensor:
    """exp(s_ij) / Σ exp(s_ik)."""
    exponential = (scores - rows.spread(_finite_max(scores, rows))).exp()
    return _divided_by_sum(exponential, rows)


def relu(scores: Tensor, rows: Rows) -> Tensor:
    """max(s_ij, 0)."""
    return scores.relu()


def sigmoid(scores: Tensor, rows: Rows) -> Tensor:
    """1 / (1 + exp(−s_ij))."""
    return scores.sigmoid()


def identity(scores: Tensor, rows: Rows) -> Tensor:
    """s_ij."""
    return scores


def linear(scores: Tensor, rows: Rows) -> Tensor:
    """s_ij / Σ s_ik."""
    return _divided_by_sum(scores, rows)


def sparsemax(scores: Tensor, rows: Rows) -> Tensor:
    """max(s_ij − τ_i, 0) with Σ_j = 1. Martins & Astudillo 2016, arXiv:1602.02068, eq. 2-4.

    τ is found by Newton's method on the piecewise linear Σ max(s − τ, 0) = 1, which ends after finitely many steps.
    """
    s = scores - rows.spread(_finite_max(scores, rows))
    inside = torch.ops.graphattn.support.default(s.detach(), rows.index, rows.indptr, "sparsemax")
    return (s - rows.spread(_sparsemax_threshold(s, inside, rows))).relu()


def _sparsemax_support(s: Tensor, rows: Rows) -> Tensor:
    inside = s > -1
    while True:
        smaller = inside & (s > rows.spread(_sparsemax_threshold(s, inside, rows)))
        if torch.equal(smaller, inside):
            return inside
        inside = smaller


def _sparsemax_threshold(s: Tensor, inside: Tensor, rows: Rows) -> Tensor:
    size = rows.sum(inside.to(s.dtype))
    return (rows.sum(s.where(inside, 0)) - 1) / size.clamp(min=1)


def entmax15(scores: Tensor, rows: Rows) -> Tensor:
    """max(s_ij / 2 − τ_i, 0)² with Σ_j = 1. Peters et al. 2019, arXiv:1905.05702, eq. 12 and appendix C.

    Newton's method on the convex Σ max(x − τ, 0)² = 1 from the left finds the support, on which τ has a closed form:
    mean − √((1 − Σ (x − mean)²) / size).
    """
    x = scores / 2
    x = x - rows.spread(_finite_max(x, rows))
    inside = torch.ops.graphattn.support.default(x.detach(), rows.index, rows.indptr, "entmax15")
    size = rows.sum(inside.to(x.dtype)).clamp(min=1)
    mean = rows.sum(x.where(inside, 0)) / size
    spread = rows.sum((x - rows.spread(mean)).where(inside, 0).square())
    root = ((1 - spread) / size).clamp(min=torch.finfo(x.dtype).tiny).sqrt()
    return (x - rows.spread(mean - root)).where(inside | x.isnan(), 0).relu().square()


def _entmax15_support(x: Tensor, rows: Rows) -> Tensor:
    threshold = torch.full_like(rows.max(x), -1.0)
    for _ in range(_MOST_STEPS):
        over = (x - rows.spread(threshold)).relu()
        slope = 2 * rows.sum(over)
        step = (rows.sum(over.square()) - 1) / torch.where(slope > 0, slope, 1)
        further = torch.where(slope > 0, (threshold + step).maximum(threshold), threshold)
        if torch.equal(further, threshold):
            break
        threshold = further
    return x > rows.spread(threshold)


# Which scores, less the largest of their row, have a weight: found in a number of steps that depends on them, which a
# compiled program cannot hold.
torch.library.define("graphattn::support", "(Tensor scores, Tensor index, Tensor indptr, str normalize) -> Tensor")


@torch.library.impl("graphattn::support", "CompositeExplicitAutograd")
def _support(scores: Tensor, index: Tensor, indptr: Tensor, normalize: str) -> Tensor:
    find = _sparsemax_support if normalize == "sparsemax" else _entmax15_support
    return find(scores, Rows(index, indptr))


@torch.library.register_fake("graphattn::support")
def _fake_support(scores: Tensor, index: Tensor, indptr: Tensor, normalize: str) -> Tensor:
    return torch.empty_like(scores, dtype=torch.bool)


def argmax(scores: Tensor, rows: Rows) -> Tensor:
    """1 for the first of the largest scores of each destination and 0 for the others, without gradient."""
    scores = scores.detach()
    top = rows.spread(rows.max(scores))
    largest = (scores == top) & (scores > -torch.inf)
    place = torch.arange(scores.shape[0], device=scores.device, dtype=torch.float64)[:, None].expand_as(scores)
    first = rows.max(torch.where(largest, -place, -torch.inf))
    return (largest & (-place == rows.spread(first))).to(scores.dtype).masked_fill(top.isnan(), torch.nan)


NORMALIZERS: dict[str, Normalizer] = {
    function.__name__: function for function in (softmax, relu, sigmoid, identity, linear, sparsemax, entmax15, argmax)
}


def get_normalizer(name: str) -> Normalizer:
    """The normalizer of that name.

    Raises:
        ValueError: there is none; the message lists those there are.
        TypeError: not a name.
    """
    if not isinstance(name, str):
        raise TypeError(f"normalize is a name, got {type(name).__name__}")
    if name not in NORMALIZERS:
        raise ValueError(f"normalize is one of {', '.join(NORMALIZERS)}; got {name!r}")
    return NORMALIZERS[name]


def _finite_max(scores: Tensor, rows: Rows) -> Tensor:
    """Each row's largest score, with 0 in place of −inf so that differences stay defined."""
    top = rows.max(scores)
    return top.masked_fill(top == -torch.inf, 0)


def _divided_by_sum(values: Tensor, rows: Rows) -> Tensor:
    total = rows.sum(values)
    return values / rows.spread(torch.where(total == 0, 1, total))
