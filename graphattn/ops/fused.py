"""A call in the form of the fused operators, which PyTorch hands to the kernels of the tensors' device."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

import graphattn.ops.library  # noqa: F401  # defines torch.ops.graphattn
from graphattn.ops.call import AttentionCall
from graphattn.ops.convention import wide
from graphattn.ops.random import new_seed
from graphattn.ops.scores import Cosine, Dot
from graphattn.ops.state import State


def refusal(call: AttentionCall) -> str | None:
    """Why no fused operator covers this call, or None if one does."""
    if not isinstance(call.score, Dot | Cosine):
        return f'score="{call.score.name}" is not fused yet'
    if isinstance(call.score, Cosine) and isinstance(call.score.beta, Tensor) and call.score.beta.ndim > 1:
        return "a cosine score with one beta per edge is not fused"
    if call.normalize != "softmax":
        return f'normalize="{call.normalize}" is not fused yet'
    if call.edge_key is not None or call.edge_value is not None or call.edge_attr is not None:
        return "edge keys, edge values and edge attributes are not fused yet"
    if call.return_weights:
        return "return_weights is not fused yet"
    return None


def attention(call: AttentionCall) -> Tensor | State:
    """Run one call that `refusal` has let pass."""
    assert call.q is not None and call.k is not None
    dtype = call.v.dtype
    q, k, v = wide(call.q), wide(call.k), wide(call.v)
    bias = None if call.edge_bias is None else wide(call.edge_bias)
    if isinstance(call.score, Cosine):
        beta = call.score.beta
        q = F.normalize(q, dim=-1) * (beta.to(q.dtype).unsqueeze(-1) if isinstance(beta, Tensor) else beta)
        k = F.normalize(k, dim=-1)
    csr = call.graph.csr
    csc = call.graph.csc if call.needs_grad else (None, None, None)
    seed = new_seed() if call.dropout else None
    out, lse, _ = torch.ops.graphattn.dot_softmax(q, k, v, bias, *csr, *csc, call.scale, call.dropout, seed)
    return State(out.to(dtype), lse) if call.return_state else out.to(dtype)
