"""The outputs of the fused operator in plain torch: second derivatives go through this formula.

It allocates tensors of E·H·D numbers. The definition that both the kernels and this formula are tested against is the
reference backend, which also has the scores and normalizers that are not fused.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphattn.graph.compressed import Compressed
from graphattn.ops.custom_score import CUSTOM, on_edges, program_of
from graphattn.ops.edge_order import by_destination, in_callers_order
from graphattn.ops.normalizers import get_normalizer, log_sum_exp
from graphattn.ops.precision import wide
from graphattn.ops.random import keep_mask
from graphattn.ops.schema import EdgeLists, Inputs, Options
from graphattn.ops.scores import Additive, Dot, Sum
from graphattn.ops.segment import Rows


def outputs(inputs: Inputs, edges: EdgeLists, options: Options) -> tuple[Tensor | None, ...]:
    """`out`, `attr_out`, `lse` and `weights` of `graphattn.ops.schema.Outputs`, or None where one does not exist."""
    q, k, v, bias, edge_key, edge_value, edge_attr, attr_query, key_proj, value_proj, vector = inputs
    heads, scale, indptr, src, perm = options.heads, options.scale, edges.indptr, edges.indices, edges.edge_ids
    rows = Rows(Compressed(indptr, src, perm).rows(), indptr)

    def of_edges(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else wide(by_destination(tensor, perm))

    bias, edge_key, edge_value, edge_attr = map(of_edges, (bias, edge_key, edge_value, edge_attr))
    if options.score == "none":
        scores = v.new_zeros(len(src), heads, dtype=wide(v).dtype)
        scores = scores if bias is None else scores + bias
    else:
        assert q is not None and k is not None
        q_i, k_j = wide(q).index_select(0, rows.index), _of_queries(wide(k), heads).index_select(0, src)
        k_j = k_j if edge_key is None else k_j + edge_key
        k_j = k_j if key_proj is None else k_j + torch.einsum("ea,ahd->ehd", edge_attr, key_proj)
        if attr_query is not None and edge_attr is not None:
            of_features = scale * (attr_query.index_select(0, rows.index) * edge_attr.unsqueeze(1)).sum(-1)
            bias = of_features if bias is None else bias + of_features
        if options.score.startswith(CUSTOM):
            scores = on_edges(program_of(options.score), q_i, k_j, edge_attr, vector, scale, src, rows.index)
            scores = scores if bias is None else scores + bias
        else:
            scores = _score(options, vector)(q_i, k_j, bias, scale)
    weights = get_normalizer(options.normalize)(scores, rows)
    if options.dropout:
        assert options.seed is not None
        kept = keep_mask(options.seed, len(src), heads, options.dropout, v.device)
        weights = weights * kept / (1 - options.dropout)

    values = _of_queries(wide(v), heads).index_select(0, src)
    values = values if edge_value is None else values + edge_value
    values = values if value_proj is None else values + torch.einsum("ea,ahd->ehd", edge_attr, value_proj)
    return (
        rows.sum(weights.unsqueeze(-1) * values),
        rows.sum(weights.unsqueeze(-1) * edge_attr.unsqueeze(1))
        if options.attr_value and edge_attr is not None
        else None,
        log_sum_exp(scores, rows) if options.normalize == "softmax" else None,
        in_callers_order(weights, perm) if options.return_weights else None,
    )


def _score(options: Options, vector: Tensor | None) -> Dot | Sum | Additive:
    if options.score == "dot":
        return Dot()
    if options.score == "sum":
        return Sum(options.negative_slope)
    assert vector is not None
    return Additive(vector, options.score, options.negative_slope)  # type: ignore[arg-type]


def _of_queries(tensor: Tensor, heads: int) -> Tensor:
    """Key heads repeated so that each query head has its own."""
    return tensor if tensor.shape[1] == heads else tensor.repeat_interleave(heads // tensor.shape[1], dim=1)
