"""The roofline: the least time of a forward pass, from the bytes it must move and the bandwidth of a copy."""

from __future__ import annotations

import torch

from graphattn.bench.case import Case
from graphattn.bench.result import Facts, Report, Result

_FLOAT = _INDEX = 4


def forward_bytes(case: Case, facts: Facts) -> int:
    """Bytes that the forward pass reads and writes when no source's row stays in a cache.

        "dot"       E·(2·H·D) gathered keys and values,              M·(2·H·D) queries and outputs
        "sum"       E·(H·D + H) gathered values and key scalars,     M·(H·D + H)
        "additive"  E·H·D gathered keys, which are values,           M·(2·H·D)

    numbers, with E + M indices and M·H log-sum-exps. Where rows do stay in a cache it can be beaten.
    """
    wide = case.heads * case.width
    each_edge, each_row = {
        "dot": (2 * wide, 2 * wide),
        "sum": (wide + case.heads, wide + case.heads),
        "additive": (wide, 2 * wide),
    }[case.score]
    edges, rows = facts.num_edges, facts.num_dst
    number = getattr(torch, case.dtype).itemsize
    return number * (edges * each_edge + rows * each_row) + _FLOAT * rows * case.heads + _INDEX * (edges + rows)


def roofline_share(result: Result, report: Report) -> float | None:
    """The share of a forward time that its bytes take at the measured bandwidth; None where either is missing."""
    if result.forward is None or "bandwidth" not in report.probes:
        return None
    bound = forward_bytes(result.case, report.graphs[result.case.graph]) / report.probes["bandwidth"]
    return bound / result.forward.median
