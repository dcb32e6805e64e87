"""Attention within packed sets, including in compiled programs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphattn.graph.torch_modes import has_values
from graphattn.nn.node_sets import node_sets_of
from graphattn.ops.attention import attention
from graphattn.ops.random import new_seed


def set_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    batch: Tensor | None,
    *,
    num_sets: int | None = None,
    queries: int | None = None,
    keys: int | None = None,
    normalize: str = "softmax",
    scale: float | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """Attention of each query to all keys of its set: `graphattn.attention` on a batch of complete graphs.

    Args:
        q: `[M, H, D]`.
        k: `[N, Hk, D]`.
        v: `[N, Hk, Dv]`.
        batch: the set of each node, ascending; None for one set.
        num_sets: the number of sets; derived from `batch` when None, without empty sets at the end.
        queries: the number of rows of `q` per set; when None, they are the nodes of the set.
        keys: the number of rows of `k` and `v` per set; when None, they are the nodes of the set.
        normalize: as for `attention`.
        scale: as for `attention`.
        dropout: as for `attention`.

    Raises:
        ValueError: `batch` is not one ascending set index per node.
    """
    if batch is None or has_values(batch):
        num_nodes = k.shape[0] if keys is None or batch is None else batch.shape[0]
        graph = node_sets_of(batch, num_nodes, num_sets, k.device).graph(queries, keys)
        out = attention(q, k, v, graph, normalize=normalize, scale=scale, dropout=dropout)
        assert isinstance(out, Tensor)
        return out
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    seed = new_seed() if dropout else None
    operator = torch.ops.graphattn.within.default
    return operator(q, k, v, batch, num_sets, queries, keys, normalize, float(scale), dropout, seed)


# In a traced program the number of sets and their sizes are unknown. This operator calls `set_attention` when the
# program runs, and its backward pass recomputes the forward pass. Exported programs refer to it by its name, which
# therefore stays as it is.
_INPUTS = (
    "Tensor q, Tensor k, Tensor v, Tensor batch, SymInt? num_sets, int? queries, int? keys, "
    "str normalize, float scale, float dropout, Tensor? seed"
)
torch.library.define("graphattn::within", f"({_INPUTS}) -> Tensor")
torch.library.define("graphattn::within_backward", f"(Tensor grad, {_INPUTS}) -> (Tensor, Tensor, Tensor)")


def _within(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    batch: Tensor,
    num_sets: int | None,
    queries: int | None,
    keys: int | None,
    normalize: str,
    scale: float,
    dropout: float,
    seed: Tensor | None,
) -> Tensor:
    with torch.random.fork_rng([q.device] if q.is_cuda else [], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(int(seed))
        return set_attention(
            q, k, v, batch, num_sets=num_sets, queries=queries, keys=keys,
            normalize=normalize, scale=scale, dropout=dropout,
        ).contiguous()  # fmt: skip


def _within_backward(grad: Tensor, *inputs: Any) -> tuple[Tensor, ...]:
    leaves = [tensor.detach().requires_grad_() for tensor in inputs[:3]]
    with torch.enable_grad():
        out = _within(*leaves, *inputs[3:])
    return tuple(gradient.contiguous() for gradient in torch.autograd.grad(out, leaves, grad))


torch.library.impl("graphattn::within", "CompositeExplicitAutograd", _within)
torch.library.impl("graphattn::within_backward", "CompositeExplicitAutograd", _within_backward)


@torch.library.register_fake("graphattn::within")
def _fake(q: Tensor, k: Tensor, v: Tensor, *rest: Any) -> Tensor:
    return v.new_empty(*q.shape[:2], v.shape[2])


@torch.library.register_fake("graphattn::within_backward")
def _fake_backward(grad: Tensor, q: Tensor, k: Tensor, v: Tensor, *rest: Any) -> tuple[Tensor, ...]:
    return tuple(tensor.new_empty(tensor.shape) for tensor in (q, k, v))


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *others, seed = inputs
    ctx.save_for_backward(*others[:4], seed)
    ctx.options = others[4:]


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    *tensors, seed = ctx.saved_tensors
    found = torch.ops.graphattn.within_backward.default(grad, *tensors, *ctx.options, seed)
    return *found, *[None] * (2 + len(ctx.options))


torch.library.register_autograd("graphattn::within", _backward, setup_context=_save)
