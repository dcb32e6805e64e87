"""Complete, causal and bipartite graphs: PyTorch's scaled_dot_product_attention and varlen_attn, made for them."""

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
from graphattn.ops.by_size import attend_by_size, distinct_sizes
from graphattn.ops.dense import varlen
from graphattn.ops.gradient import differentiate
from graphattn.ops.mapped import one_by_one
from graphattn.ops.precision import FEW_PAIRS
from graphattn.ops.state import State

_LONG = 512  # sources from which on a copy, head by head, costs less than the gaps between the numbers of a head

_Kind = Complete | Causal | Bipartite


def refusal(call: AttentionCall) -> str | None:
    """Why the dense path cannot serve a call, or None if it can."""
    if not isinstance(call.graph, _Kind):
        return "the graph is not known to be complete, causal or bipartite"
    return None if _is_plain(call) else tiled.refusal(call)


def waste(call: AttentionCall) -> str | None:
    """Why "auto" passes it over for a pass over the edges, or None: a few pairs cost less than a call for them."""
    graph = call.graph
    assert isinstance(graph, _Kind)
    num_sizes = len(distinct_sizes(graph))
    if num_sizes > 1 and graph.num_edges * call.heads < FEW_PAIRS * num_sizes:
        return f"graphs of {num_sizes} sizes have fewer than {FEW_PAIRS} pairs each, too few for a call of their own"
    if not _is_plain(call):  # what tiles cost beside the products, in pairs (measured)
        few = (16 if call.dropout else 4) * FEW_PAIRS
        return f"its tiles have fewer than {few} pairs" if graph.num_edges * call.heads < few else None
    return None


def path(call: AttentionCall) -> str:
    """What it runs for a call that `refusal` has let pass."""
    graph = call.graph
    assert isinstance(graph, _Kind)
    if not _is_plain(call):
        return "tiles of complete rows, for what scaled_dot_product_attention does not give"
    if varlen.refusal(call) is None:
        return "varlen_attn, made for complete graphs of several sizes"
    several = len(distinct_sizes(graph)) > 1
    return "scaled_dot_product_attention, made for complete graphs" + (", size by size" if several else "")


def attention(call: AttentionCall) -> Tensor | State:
    """Run one call that `refusal` has let pass; what PyTorch's function does not give, tile by tile."""
    if not _is_plain(call):
        return tiled.attention(call)
    assert isinstance(call.graph, _Kind)
    q, k = tiled.as_dot(call)
    run = partial(attend_by_size, partial(_attend, call), graph=call.graph)
    out = varlen.attention(call, q, k) if varlen.refusal(call) is None else run(q, k, call.v)
    return _Differentiable.apply(out, run, q, k, call.v) if call.needs_grad and is_plain() else out


class _Differentiable(torch.autograd.Function):
    """The output, whose gradient, where it will be differentiated, does not go to PyTorch's kernels.

    They have no second derivative. The gradient then goes to the inputs at once, by products of matrices.
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
    """Whether PyTorch's function computes it as it is, and without a tensor of all pairs."""
    if tiled.refusal_of_options(call) is not None or call.edge_bias is not None or call.return_state or call.dropout:
        return False
    narrow = call.v.device.type == "cpu" and call.q is not None and call.q.shape[2] != call.v.shape[2]
    return not (narrow and tiled.refusal(call) is None)


def _attend(call: AttentionCall, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention of `[B, L, H, D]` queries, packed again to `[B·L, H, Dv]`."""
    if k.shape[1] == 0:  # a sum of nothing: zeros that know where they come from
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
