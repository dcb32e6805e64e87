"""The dense backend: PyTorch's own attention functions, on complete, causal and bipartite graphs.

These are `scaled_dot_product_attention` and, for several sizes on a GPU, `varlen_attn`. What they do not compute goes
tile by tile.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from graphattn.graph import Bipartite, Causal, Complete
from graphattn.graph.torch_modes import is_exporting, is_plain
from graphattn.ops import tiled
from graphattn.ops.arguments import AttentionCall
from graphattn.ops.backend import Answer, Attend, Backend, Choose, CostOf
from graphattn.ops.by_size import attend_by_size, distinct_sizes
from graphattn.ops.cost import Cost, cost_of_pairs
from graphattn.ops.dense import varlen
from graphattn.ops.gradient import differentiate
from graphattn.ops.mapped import one_by_one
from graphattn.ops.thresholds import FEW_PAIRS

_LONG = 512  # sources, from which on it is faster to make each head contiguous first (measured)

_SUMMARY = "scaled_dot_product_attention, made for complete graphs"

_Kind = Complete | Causal | Bipartite


def refusal(call: AttentionCall) -> str | None:
    """Why the dense backend cannot run a call, or None if it can."""
    if not isinstance(call.graph, _Kind):
        return "the graph is not known to be complete, causal or bipartite"
    return None if _is_plain(call) else tiled.refusal(call)


def slower_because(call: AttentionCall, choose: Choose) -> str | None:
    """Why a pass over the edges is faster, or None: a few pairs cost less than a call of their own."""
    graph = call.graph
    assert isinstance(graph, _Kind)
    num_sizes = len(distinct_sizes(graph))
    if num_sizes > 1 and graph.num_edges * call.heads < FEW_PAIRS * num_sizes:
        return f"graphs of {num_sizes} sizes have fewer than {FEW_PAIRS} pairs each, too few for a call of their own"
    if not _is_plain(call):  # the cost of tiles beside that of their products, in pairs (measured)
        few = (16 if call.dropout else 4) * FEW_PAIRS
        return f"its tiles have fewer than {few} pairs" if graph.num_edges * call.heads < few else None
    return None


def describe(call: AttentionCall) -> str:
    """What it runs for a call that `refusal` accepts."""
    graph = call.graph
    assert isinstance(graph, _Kind)
    if not _is_plain(call):
        return "tiles of complete rows, for what scaled_dot_product_attention does not give"
    if varlen.refusal(call) is None:
        return "varlen_attn, made for complete graphs of several sizes"
    return _SUMMARY + (", size by size" if len(distinct_sizes(graph)) > 1 else "")


def run(call: AttentionCall, attend: Attend) -> Answer:
    """Run one call that `refusal` accepts; what PyTorch's functions do not compute, tile by tile."""
    if not _is_plain(call):
        return tiled.attention(call)
    assert isinstance(call.graph, _Kind)
    q, k = tiled.as_dot(call)
    by_size = partial(attend_by_size, partial(_attend, call), graph=call.graph)
    out = varlen.attention(call, q, k) if varlen.refusal(call) is None else by_size(q, k, call.v)
    return _TwiceDifferentiable.apply(out, by_size, q, k, call.v) if call.needs_grad and is_plain() else out


def cost(call: AttentionCall, cost_of: CostOf) -> Cost:
    """Every pair is an edge, and nothing is copied."""
    return cost_of_pairs(call, call.graph.num_edges)


class _TwiceDifferentiable(torch.autograd.Function):
    """The output unchanged, with a gradient that can be differentiated again.

    PyTorch's kernels have no second derivative. Where one will be needed, the gradients of the inputs are computed here
    by products of matrices instead.
    """

    @staticmethod
    def forward(ctx: Any, out: Tensor, run: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        ctx.run = run
        ctx.save_for_backward(*inputs)
        return out.view_as(out)

    @staticmethod
    @one_by_one
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        if not torch.is_grad_enabled():
            return grad, *[None] * 4
        with sdpa_kernel(SDPBackend.MATH):
            needs = ctx.needs_input_grad[2:]
            found = differentiate(lambda inputs: [ctx.run(*inputs)], [grad], ctx.saved_tensors, needs)
        return None, None, *found


def _is_plain(call: AttentionCall) -> bool:
    """Whether PyTorch's functions compute the call, and without a tensor of all pairs."""
    if tiled.refusal_of_options(call) is not None or call.edge_bias is not None or call.return_state or call.dropout:
        return False
    narrow = call.v.device.type == "cpu" and call.q is not None and call.q.shape[2] != call.v.shape[2]
    return not (narrow and tiled.refusal(call) is None)


def _attend(call: AttentionCall, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention of `[B, L, H, D]` queries, packed again to `[B·L, H, Dv]`."""
    if k.shape[1] == 0:  # a sum of nothing: zeros still connected to autograd
        k, v = (tensor.repeat_interleave(q.shape[2] // tensor.shape[2], dim=2) for tensor in (k, v))
        return torch.einsum("blhd,bshd,bshv->blhv", q, k, v).flatten(0, 1)
    q, k, v = (tensor.transpose(1, 2) for tensor in (q, k, v))
    if q.device.type == "cpu" and (is_exporting() or k.shape[2] >= _LONG):
        q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
    out = F.scaled_dot_product_attention(
        q,
        k,
        v,
        is_causal=isinstance(call.graph, Causal),
        scale=call.scale,
        enable_gqa=q.shape[1] != k.shape[1],
    )
    return out.transpose(1, 2).flatten(0, 1)


DENSE = Backend(
    name="dense",
    summary=_SUMMARY,
    refusal=refusal,
    run=run,
    slower_because=slower_because,
    describe=describe,
    cost=cost,
)
