"""The reference backend: the definition of the operator in plain torch.

It is differentiable, and takes every score, normalizer and edge term. It forms tensors of E·H·D numbers. Every kernel
is checked against it.
"""

from __future__ import annotations

from torch import Tensor

from graphattn.ops.arguments import AttentionCall
from graphattn.ops.backend import INDEX_BYTES, Answer, Attend, Backend, CostOf
from graphattn.ops.cost import Cost, cost_of_pairs, key_width
from graphattn.ops.custom_score import Custom, on_edges
from graphattn.ops.edge_order import by_destination, in_callers_order
from graphattn.ops.normalizers import get_normalizer, log_sum_exp
from graphattn.ops.precision import wide
from graphattn.ops.random import keep_mask, new_seed
from graphattn.ops.scores import NoScore
from graphattn.ops.segment import Rows
from graphattn.ops.state import State


def run(call: AttentionCall, attend: Attend) -> Answer:
    """Run one call: scores, weights, dropout, weighted sum, on edges ordered by destination."""
    dtype = call.v.dtype
    call = call.without_low_rank_edges()
    csr = call.graph.csr
    src = csr.indices
    rows = Rows(csr.rows(), csr.indptr)

    scores = _scores(call, rows.index, src, csr.perm)
    weights = get_normalizer(call.normalize)(scores, rows)
    if call.dropout:
        seed, first = call.dropout_numbers or (new_seed(weights.device), 0)
        kept = keep_mask(seed, call.graph.num_edges, call.heads, call.dropout, weights.device, first)
        weights = weights * kept / (1 - call.dropout)

    values = _per_query_head(wide(call.v), call.heads).index_select(0, src)  # [E, H, Dv]
    if call.edge_value is not None:
        values = values + wide(by_destination(call.edge_value, csr.perm))
    out = rows.sum(weights.unsqueeze(-1) * values).to(dtype)

    if call.return_state:
        return State(out, log_sum_exp(scores, rows))
    if call.return_weights:
        return out, in_callers_order(weights.to(dtype), csr.perm)
    return out


def cost(call: AttentionCall, cost_of: CostOf) -> Cost:
    """Keys, queries and values of every edge and head are written, and read again."""
    flops, moved = cost_of_pairs(call, call.graph.num_edges)
    numbers = call.graph.num_edges * call.heads * (2 * key_width(call) + call.v.shape[2])
    return Cost(flops, moved + 2 * numbers * call.v.element_size())


def bytes_per_edge(call: AttentionCall) -> int:
    """An edge's place in the list of edges; queries, keys and values of every head, and their products."""
    width = call.q.shape[-1] if call.q is not None and call.q.ndim == 3 else 1
    return INDEX_BYTES + call.heads * (2 * width + 2 * call.v.shape[2]) * max(4, call.v.element_size())


def _scores(call: AttentionCall, dst: Tensor, src: Tensor, perm: Tensor | None) -> Tensor:
    bias = None if call.edge_bias is None else wide(by_destination(call.edge_bias, perm))
    if isinstance(call.score, NoScore) or call.q is None or call.k is None:
        zeros = wide(call.v).new_zeros(call.graph.num_edges, call.heads)
        return zeros if bias is None else zeros + bias
    q_i = wide(call.q).index_select(0, dst)
    k_j = _per_query_head(wide(call.k), call.heads).index_select(0, src)
    if call.edge_key is not None:
        k_j = k_j + wide(by_destination(call.edge_key, perm))
    if isinstance(call.score, Custom):
        columns, slots = call.score.columns(src, dst, perm), call.score.slots(call.heads, q_i.shape[2])
        columns, slots = (None if x is None else x.to(q_i.dtype) for x in (columns, slots))
        found = on_edges(call.score.program, q_i, k_j, columns, slots, call.scale, src, dst)
        return found if bias is None else found + bias
    return call.score(q_i, k_j, bias, call.scale)


def _per_query_head(tensor: Tensor, heads: int) -> Tensor:
    """Key heads repeated so that each query head has its own: h reads h // (H / Hk)."""
    return tensor if tensor.shape[1] == heads else tensor.repeat_interleave(heads // tensor.shape[1], dim=1)


REFERENCE = Backend(
    name="reference",
    summary="plain torch, which serves every call and forms tensors of E·H·D numbers",
    refusal=lambda call: None,
    run=run,
    cost=cost,
    bytes_per_edge=bytes_per_edge,
)
