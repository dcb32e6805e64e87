"""Attention on packed nodes with the parameters of a `torch.nn.MultiheadAttention`."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from graphattn.nn.plain import is_plain


def is_known(attn: nn.Module) -> bool:
    """Whether `attn` is unmodified and has only options that `multihead` supports."""
    return (
        is_plain(attn, nn.MultiheadAttention)
        and attn.in_proj_weight is not None
        and attn.bias_k is None
        and not attn.add_zero_attn
        and attn.dropout < 1
    )


def multihead(attn: nn.MultiheadAttention, query: Tensor, source: Tensor, attend: Callable[..., Tensor]) -> Tensor:
    """Compute `attn(query, source, source)`, with the attention itself done by `attend`.

    Args:
        attn: a module for which `is_known` holds.
        query: `[M, embed_dim]`.
        source: `[N, embed_dim]`.
        attend: called as `attend(q, k, v, dropout=...)` with q `[M, H, D]`, k and v `[N, H, D]`.
    """
    weight, bias = attn.in_proj_weight, attn.in_proj_bias
    H, D = attn.num_heads, attn.head_dim
    if query is source:
        q, k, v = F.linear(query, weight, bias).view(-1, 3, H, D).unbind(1)
    else:
        width = attn.embed_dim
        q = F.linear(query, weight[:width], None if bias is None else bias[:width]).view(-1, H, D)
        mapped = F.linear(source, weight[width:], None if bias is None else bias[width:])
        k, v = mapped.view(-1, 2, H, D).unbind(1)
    out = attend(q, k, v, dropout=attn.dropout if attn.training else 0.0)
    return F.linear(out.flatten(1), attn.out_proj.weight, attn.out_proj.bias)
