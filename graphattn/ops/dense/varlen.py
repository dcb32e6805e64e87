"""Batches of complete, causal or bipartite graphs of several sizes in one call, on a GPU: PyTorch's `varlen_attn`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from graphattn.graph import Bipartite, Causal, Complete
from graphattn.graph.memo import derived
from graphattn.ops.arguments import AttentionCall
from graphattn.ops.by_size import distinct_sizes

_WIDEST = 256  # the largest head dimension of flash attention


def refusal(call: AttentionCall) -> str | None:
    """Why it cannot run a call that `scaled_dot_product_attention` runs size by size, or None if it can."""
    graph = call.graph
    assert isinstance(graph, Complete | Causal | Bipartite)
    assert call.q is not None
    if len(distinct_sizes(graph)) < 2:
        return "all graphs are of one size"
    if any(num_dst and not num_src for num_dst, num_src in zip(graph.dst_sizes, graph.src_sizes, strict=True)):
        return "a graph has destinations and no source"
    width = call.q.shape[2]
    if call.v.shape[2] != width or width % 8 or width > _WIDEST:
        return (
            f"keys and values have {width} and {call.v.shape[2]} numbers, not both the same multiple of 8 to {_WIDEST}"
        )
    if call.v.dtype not in (torch.float16, torch.bfloat16):
        return f"the tensors are {call.v.dtype}"
    return _missing(call.v.device)


def attention(call: AttentionCall, q: Tensor, k: Tensor) -> Tensor:
    """Run one call that `refusal` accepts, with queries and keys whose product is the score."""
    graph = call.graph
    assert isinstance(graph, Complete | Causal | Bipartite)
    dst_ptr, src_ptr = derived(graph, "varlen", lambda: (graph.dst_ptr.int(), graph.src_ptr.int()))
    out: Tensor = _function()(
        q,
        k,
        call.v,
        dst_ptr,
        src_ptr,
        max(graph.dst_sizes),
        max(graph.src_sizes),
        scale=float(call.scale),
        window_size=(-1, 0) if isinstance(graph, Causal) else (-1, -1),
        enable_gqa=q.shape[1] != k.shape[1],
    )
    return out


def _missing(device: torch.device) -> str | None:
    """What a device or this PyTorch lacks for it, or None."""
    if device.type != "cuda" or torch.version.hip is not None:
        return "the tensors are not on an NVIDIA GPU"
    if torch.cuda.get_device_capability(device) < (8, 0):
        return "the GPU is older than Ampere"
    return None if _is_there() else "this PyTorch has no varlen_attn with a scale and fewer key heads"


def _is_there() -> bool:
    try:
        known = inspect.signature(_function()).parameters
    except ImportError:
        return False
    return {"scale", "window_size", "enable_gqa"} <= set(known)


_is_there._dynamo_marked_constant = True  # type: ignore[attr-defined]  # see graphattn.ops.loading


def _function() -> Callable[..., Any]:
    from torch.nn.attention.varlen import varlen_attn

    return varlen_attn
