"""Lowers a call of `graphattn.attention` to the fused operator, which runs the kernels of the tensors' device."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from graphattn.ops.arguments import AttentionCall
from graphattn.ops.by_head import by_head
from graphattn.ops.custom_score import Custom
from graphattn.ops.operator import attend
from graphattn.ops.precision import wide, wide_dtype
from graphattn.ops.random import new_seed
from graphattn.ops.schema import EdgeLists, Inputs, Options
from graphattn.ops.scores import Additive, Cosine, Dot, NoScore, Sum
from graphattn.ops.state import State

_NORMALIZERS = ("softmax", "relu", "sigmoid", "identity")


def refusal(call: AttentionCall) -> str | None:
    """Why no fused operator covers this call, or None if one does."""
    if call.normalize not in _NORMALIZERS:
        return f'normalize="{call.normalize}" is not fused'
    if isinstance(call.score, Custom):
        if call.v.device.type != "cpu":
            return "a score of one's own is made into kernels for CPUs only"
        if call.edge_attr is not None:
            return "a score of one's own is not fused beside edge features"
    if isinstance(call.score, Cosine):
        if isinstance(call.score.beta, Tensor) and call.score.beta.ndim > 1:
            return "a cosine score with one beta per edge is not fused"
        if call.edge_key is not None or call.edge_proj[0] is not None:
            return "a cosine score with edge keys is not fused, for each edge has another norm"
    return None


def attention(call: AttentionCall, *, project: bool) -> Tensor | tuple[Tensor, Tensor] | State:
    """Compute a call that `refusal` accepts.

    Edge features are never expanded to H·D numbers for each edge. With a the features, W and U their projections for
    keys and values:

        ⟨q_i, W a_ij⟩ = ⟨Wᵀ q_i, a_ij⟩,    Σ_j w_ij U a_ij = U Σ_j w_ij a_ij

    so only nodes are projected: by the kernels for a few nodes at a time or, if not `project`, by torch for all nodes.
    Inside the activation of an additive score W a_ij cannot be moved: the kernels compute it for a few edges at a time.
    Only if it has no more numbers than a_ij is it computed for all edges at once.
    """
    dtype = call.v.dtype
    score, name, vector, negative_slope = call.score, "none", None, 0.0
    q, k, edge_key, attr_query, inside = call.q, call.k, call.edge_key, None, None
    key_proj, value_proj = (None if projection is None else wide(projection) for projection in call.edge_proj)
    edge_attr, own_attr = None if call.edge_attr is None else wide(call.edge_attr), False
    if isinstance(score, NoScore):
        q = k = None
    elif isinstance(score, Dot | Cosine):
        name = "dot"
        assert q is not None and k is not None
        if isinstance(score, Cosine):
            beta = score.beta
            q = F.normalize(wide(q), dim=-1) * (beta.to(q.device).unsqueeze(-1) if isinstance(beta, Tensor) else beta)
            k = F.normalize(wide(k), dim=-1)
            q = q.to(k.dtype)
        if key_proj is not None:
            q = wide(q)  # its gradient is the sum of two
            if project:
                inside = key_proj
            else:
                attr_query = by_head(q, key_proj.permute(1, 2, 0))
    elif isinstance(score, Sum):
        assert q is not None and k is not None
        name, negative_slope, q, k = "sum", score.negative_slope, wide(q), wide(k)
    elif isinstance(score, Custom):
        assert q is not None and k is not None
        name, q, k, number = score.name, wide(q), wide(k), wide_dtype(dtype)
        columns, slots = score.columns(*call.graph.edge_index), score.slots(call.heads, q.shape[2])
        edge_attr, vector = (None if x is None else x.to(number) for x in (columns, slots))
        own_attr = True
    elif isinstance(score, Additive):
        name, negative_slope = score.activation, score.negative_slope
        vector = score.vector.to(wide_dtype(dtype))
        if key_proj is not None and key_proj.shape[0] < key_proj[0].numel():
            inside = key_proj
        else:
            edge_key = call.with_edge_key()
    needs_grad = call.needs_grad
    inputs = Inputs(
        q=q,
        k=k,
        v=call.v,
        bias=None if call.edge_bias is None else wide(call.edge_bias),
        edge_key=edge_key,
        edge_value=call.edge_value,
        edge_attr=None if attr_query is inside is value_proj is None and not own_attr else edge_attr,
        attr_query=attr_query,
        key_proj=inside,
        value_proj=value_proj if project else None,
        vector=vector,
    )
    edges = EdgeLists(*call.graph.csr, *(call.graph.csc if needs_grad else ()))
    options = Options(
        score=name,
        normalize=call.normalize,
        heads=call.heads,
        scale=float(call.scale),
        negative_slope=float(negative_slope),
        dropout=float(call.dropout),
        seed=new_seed(call.v.device) if call.dropout else None,
        attr_value=value_proj is not None and not project,
        return_weights=call.return_weights,
    )
    out, attr_out, lse, _, weights = attend(inputs, edges, options, needs_grad=needs_grad)
    if value_proj is not None and not project:
        out = by_head(attr_out, value_proj.transpose(0, 1)).add_(out)
    if call.return_state:
        return State(out.to(dtype), lse)
    return (out.to(dtype), weights.to(dtype)) if call.return_weights else out.to(dtype)
