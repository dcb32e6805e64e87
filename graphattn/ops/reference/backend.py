"""The definition of the operator in plain torch: differentiable, for every score, normalizer and edge term.

It forms tensors of E·H·D numbers. Every kernel is checked against it.
"""

from __future__ import annotations

from torch import Tensor

from graphattn.ops.arguments import AttentionCall
from graphattn.ops.normalizers import get_normalizer, log_sum_exp
from graphattn.ops.precision import in_callers_order, wide
from graphattn.ops.random import keep_mask, new_seed
from graphattn.ops.scores import NoScore
from graphattn.ops.segment import Rows
from graphattn.ops.state import State


def attention(call: AttentionCall) -> Tensor | tuple[Tensor, Tensor] | State:
    """Run one call: scores, weights, dropout, weighted sum, on edges ordered by destination."""
    dtype = call.v.dtype
    call = call.without_low_rank_edges()
    csr = call.graph.csr
    src = csr.indices
    rows = Rows(csr.rows(), csr.indptr)

    scores = _scores(call, rows.index, src, csr.perm)
    weights = get_normalizer(call.normalize)(scores, rows)
    if call.dropout:
        seed, first = call.drawn or (new_seed(weights.device), 0)
        kept = keep_mask(seed, call.graph.num_edges, call.heads, call.dropout, weights.device, first)
        weights = weights * kept / (1 - call.dropout)

    values = _per_query_head(wide(call.v), call.heads).index_select(0, src)  # [E, H, Dv]
    edge_value = _by_destination(call.edge_value, csr.perm)
    if edge_value is not None:
        values = values + edge_value
    out = rows.sum(weights.unsqueeze(-1) * values).to(dtype)

    if call.return_state:
        return State(out, log_sum_exp(scores, rows))
    if call.return_weights:
        return out, in_callers_order(weights.to(dtype), csr.perm)
    return out


def _scores(call: AttentionCall, dst: Tensor, src: Tensor, perm: Tensor | None) -> Tensor:
    bias = _by_destination(call.edge_bias, perm)
    if isinstance(call.score, NoScore) or call.q is None or call.k is None:
        zeros = wide(call.v).new_zeros(call.graph.num_edges, call.heads)
        return zeros if bias is None else zeros + bias
    q_i = wide(call.q).index_select(0, dst)
    k_j = _per_query_head(wide(call.k), call.heads).index_select(0, src)
    edge_key = _by_destination(call.edge_key, perm)
    if edge_key is not None:
        k_j = k_j + edge_key
    return call.score(q_i, k_j, bias, call.scale)


def _per_query_head(tensor: Tensor, heads: int) -> Tensor:
    """Key heads repeated so that each query head has its own: h reads h // (H / Hk)."""
    return tensor if tensor.shape[1] == heads else tensor.repeat_interleave(heads // tensor.shape[1], dim=1)


def _by_destination(edge_tensor: Tensor | None, perm: Tensor | None) -> Tensor | None:
    if edge_tensor is None:
        return None
    return wide(edge_tensor if perm is None else edge_tensor.index_select(0, perm))
