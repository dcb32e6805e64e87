"""The fused operator's outputs in plain torch, from its own inputs: what is differentiated where kernels end.

It forms tensors of E·H·D numbers. The reference, which starts from a call and knows scores and normalizers that are
not fused, is the definition that both are checked against.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from graphattn.graph.compressed import Compressed
from graphattn.ops.edge_order import by_destination, in_callers_order
from graphattn.ops.normalizers import get_normalizer, log_sum_exp
from graphattn.ops.precision import wide
from graphattn.ops.random import keep_mask
from graphattn.ops.scores import Additive, Dot, Sum
from graphattn.ops.segment import Rows


def outputs(tensors: Sequence[Any], edges: Sequence[Any], options: Sequence[Any]) -> tuple[Tensor | None, ...]:
    """`out`, `attr_out`, `lse` and `weights` of `graphattn::attend`, None where it gives none; see there."""
    q, k, v, bias, edge_key, edge_value, edge_attr, attr_query, key_proj, value_proj, vector = tensors
    name, normalize, heads, scale, negative_slope, dropout, seed, attr_value, return_weights = options
    indptr, src, perm, *_ = edges
    rows = Rows(Compressed(indptr, src, perm).rows(), indptr)

    def of_edges(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else wide(by_destination(tensor, perm))

    bias, edge_key, edge_value, edge_attr = map(of_edges, (bias, edge_key, edge_value, edge_attr))
    if name == "none":
        scores = v.new_zeros(len(src), heads, dtype=wide(v).dtype)
        scores = scores if bias is None else scores + bias
    else:
        q_i, k_j = wide(q).index_select(0, rows.index), _of_queries(wide(k), heads).index_select(0, src)
        k_j = k_j if edge_key is None else k_j + edge_key
        k_j = k_j if key_proj is None else k_j + torch.einsum("ea,ahd->ehd", edge_attr, key_proj)
        if attr_query is not None and edge_attr is not None:
            of_features = scale * (attr_query.index_select(0, rows.index) * edge_attr.unsqueeze(1)).sum(-1)
            bias = of_features if bias is None else bias + of_features
        scores = _score(name, vector, negative_slope)(q_i, k_j, bias, scale)
    weights = get_normalizer(normalize)(scores, rows)
    if dropout:
        weights = weights * keep_mask(seed, len(src), heads, dropout, v.device) / (1 - dropout)

    values = _of_queries(wide(v), heads).index_select(0, src)
    values = values if edge_value is None else values + edge_value
    values = values if value_proj is None else values + torch.einsum("ea,ahd->ehd", edge_attr, value_proj)
    return (
        rows.sum(weights.unsqueeze(-1) * values),
        rows.sum(weights.unsqueeze(-1) * edge_attr.unsqueeze(1)) if attr_value and edge_attr is not None else None,
        log_sum_exp(scores, rows) if normalize == "softmax" else None,
        in_callers_order(weights, perm) if return_weights else None,
    )


def _score(name: str, vector: Any, negative_slope: float) -> Dot | Sum | Additive:
    if name == "dot":
        return Dot()
    if name == "sum":
        return Sum(negative_slope)
    return Additive(vector, name, negative_slope)  # type: ignore[arg-type]


def _of_queries(tensor: Tensor, heads: int) -> Tensor:
    """Key heads repeated so that each query head has its own."""
    return tensor if tensor.shape[1] == heads else tensor.repeat_interleave(heads // tensor.shape[1], dim=1)
