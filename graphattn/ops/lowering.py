"""A call in the form of the fused operator, which PyTorch hands to the kernels of the tensors' device."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from graphattn.ops.arguments import AttentionCall
from graphattn.ops.by_head import by_head
from graphattn.ops.operator import attend
from graphattn.ops.precision import wide, wide_dtype
from graphattn.ops.random import new_seed
from graphattn.ops.scores import Additive, Cosine, Dot, NoScore, Sum
from graphattn.ops.state import State

_NORMALIZERS = ("softmax", "relu", "sigmoid", "identity")


def refusal(call: AttentionCall) -> str | None:
    """Why no fused operator covers this call, or None if one does."""
    if call.normalize not in _NORMALIZERS:
        return f'normalize="{call.normalize}" is not fused'
    if isinstance(call.score, Cosine):
        if isinstance(call.score.beta, Tensor) and call.score.beta.ndim > 1:
            return "a cosine score with one beta per edge is not fused"
        if call.edge_key is not None or call.edge_proj[0] is not None:
            return "a cosine score with edge keys is not fused, for each edge has another norm"
    return None


def attention(call: AttentionCall, *, project: bool) -> Tensor | tuple[Tensor, Tensor] | State:
    """Run one call that `refusal` has let pass.

    Edge features of low rank stay so (with a the features, W and U their projections for keys and values):

        ⟨q_i, W a_ij⟩ = ⟨Wᵀ q_i, a_ij⟩,    Σ_j w_ij U a_ij = U Σ_j w_ij a_ij

    so that the kernels meet the d_e features of an edge and never H·D numbers. The projections are of nodes: the
    kernels see to them for a few nodes at a time, or, if not `project`, torch does for all, and to their gradients.
    Inside the activation of an additive score W a_ij cannot be taken apart: the kernels find it for a few edges at a
    time. Only where it has no more numbers than a_ij is it formed for all.
    """
    dtype = call.v.dtype
    score, name, vector, negative_slope = call.score, "none", None, 0.0
    q, k, edge_key, attr_query, inside = call.q, call.k, call.edge_key, None, None
    key_proj, value_proj = (None if projection is None else wide(projection) for projection in call.edge_proj)
    edge_attr = None if call.edge_attr is None else wide(call.edge_attr)
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
            q = wide(q)  # of which two gradients are added
            if project:
                inside = key_proj
            else:
                attr_query = by_head(q, key_proj.permute(1, 2, 0))
    elif isinstance(score, Sum):
        assert q is not None and k is not None
        name, negative_slope, q, k = "sum", score.negative_slope, wide(q), wide(k)
    elif isinstance(score, Additive):
        name, negative_slope = score.activation, score.negative_slope
        vector = score.vector.to(wide_dtype(dtype))
        if key_proj is not None and key_proj.shape[0] < key_proj[0].numel():
            inside = key_proj
        else:
            edge_key = call.with_edge_key()
    needs_grad = call.needs_grad
    out, attr_out, lse, _, weights = attend(
        q, k, call.v, None if call.edge_bias is None else wide(call.edge_bias), edge_key, call.edge_value,
        None if attr_query is inside is value_proj is None else edge_attr, attr_query, inside,
        value_proj if project else None, vector,
        *call.graph.csr, *(call.graph.csc if needs_grad else (None, None, None)),
        name, call.normalize, call.heads, float(call.scale), float(negative_slope), float(call.dropout),
        new_seed(call.v.device) if call.dropout else None, value_proj is not None and not project, call.return_weights,
        needs_grad=needs_grad,
    )  # fmt: skip
    if value_proj is not None and not project:
        out = by_head(attr_out, value_proj.transpose(0, 1)).add_(out)
    if call.return_state:
        return State(out.to(dtype), lse)
    return (out.to(dtype), weights.to(dtype)) if call.return_weights else out.to(dtype)
