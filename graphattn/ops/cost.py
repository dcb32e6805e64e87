"""What the forward pass of a call costs, by counting.

A pair of a destination and a source takes 2·H·(D + Dv) operations: a product and a sum for each number of key and value
(D is 1 for the score "sum", 0 for "none"). Every backend reads q, k, v and edge tensors and writes the output. What a
backend needs beyond that is counted in its own `backend.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from graphattn.ops.arguments import AttentionCall
from graphattn.ops.scores import NoScore


class Cost(NamedTuple):
    """Floating-point operations, and bytes read and written."""

    flops: int
    bytes: int


def key_width(call: AttentionCall) -> int:
    """D, the numbers of a key that the score reads."""
    if call.q is None or isinstance(call.score, NoScore):
        return 0
    return call.q.shape[2] if call.q.ndim == 3 else 1


def cost_of_pairs(call: AttentionCall, pairs: int) -> Cost:
    """The cost of so many pairs, with inputs read once and the output written once."""
    numbers = sum(tensor.numel() for tensor in call.tensors.values())
    numbers += call.graph.num_dst * call.heads * call.v.shape[2]
    return Cost(2 * call.heads * pairs * (key_width(call) + call.v.shape[2]), numbers * call.v.element_size())


def cost_of_gathering(call: AttentionCall, cost_of: Callable[[AttentionCall], Cost]) -> Cost:
    """The cost of a pass over the edges that reads an index, a key and a value for each."""
    flops, moved = cost_of_pairs(call, call.graph.num_edges)
    gathered = call.v.shape[1] * (key_width(call) + call.v.shape[2]) * call.v.element_size()
    return Cost(flops, moved + call.graph.num_edges * (gathered + call.graph.csr.indices.element_size()))
