"""The fused operators as PyTorch knows them: schemas, shapes and gradients. Needs torch alone.

A backend registers its implementation for its device with `torch.library.impl`; until it is loaded the operators still
trace under `torch.compile` and `torch.export`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# `rest` is what rounding took from lse, so that the backward pass finds the weights again however large the scores.
# Edges come by destination (indptr, indices, edge_ids: the caller's edge at each position or None) and, where a
# backward pass can follow, by source (csc_indptr, csc_indices, positions: the place by destination of each).
_GRAPH = "Tensor indptr, Tensor indices, Tensor? edge_ids, Tensor? csc_indptr, Tensor? csc_indices, Tensor? positions"
_OPTIONS = "float scale, float dropout, Tensor? seed"

torch.library.define(
    "graphattn::dot_softmax",
    f"(Tensor q, Tensor k, Tensor v, Tensor? bias, {_GRAPH}, {_OPTIONS}) -> (Tensor out, Tensor lse, Tensor rest)",
)
torch.library.define(
    "graphattn::dot_softmax_backward",
    "(Tensor grad_out, Tensor? grad_lse, Tensor out, Tensor lse, Tensor rest, Tensor q, Tensor k, Tensor v, "
    f"Tensor? bias, {_GRAPH}, {_OPTIONS}, bool[] needs) "
    "-> (Tensor grad_q, Tensor grad_k, Tensor grad_v, Tensor grad_bias)",
)


@torch.library.register_fake("graphattn::dot_softmax")
def _fake_forward(q: Tensor, k: Tensor, v: Tensor, *others: Any) -> tuple[Tensor, Tensor, Tensor]:
    M, H, _ = q.shape
    return q.new_empty(M, H, v.shape[2]), q.new_empty(M, H), q.new_empty(M, H)


@torch.library.register_fake("graphattn::dot_softmax_backward")
def _fake_backward(
    grad_out: Tensor, grad_lse: Tensor | None, out: Tensor, lse: Tensor, rest: Tensor,
    q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, *others: Any,
) -> tuple[Tensor, ...]:  # fmt: skip
    inputs = (q, k, v, q if bias is None else bias)
    needs = others[-1]
    return tuple(
        torch.empty_like(tensor, memory_format=torch.contiguous_format) if needed else tensor.new_empty(0)
        for tensor, needed in zip(inputs, needs, strict=True)
    )


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    q, k, v, bias, *graph, scale, dropout, seed = inputs
    ctx.save_for_backward(q, k, v, bias, *graph, seed, *output)
    ctx.scale, ctx.dropout = scale, dropout
    ctx.mark_non_differentiable(output[2])
    ctx.set_materialize_grads(False)


def _backward(ctx: Any, grad_out: Tensor | None, grad_lse: Tensor | None, _: None) -> tuple[Tensor | None, ...]:
    q, k, v, bias, *graph, seed, out, lse, rest = ctx.saved_tensors
    if graph[3] is None:
        raise RuntimeError("the operator was called without the edges by source, which its backward pass needs")
    needs = list(ctx.needs_input_grad[:4])
    gradients: list[Tensor | None] = [None] * 4
    if grad_out is not None or grad_lse is not None:
        found = torch.ops.graphattn.dot_softmax_backward(
            torch.zeros_like(out) if grad_out is None else grad_out,
            grad_lse, out, lse, rest, q, k, v, bias, *graph, ctx.scale, ctx.dropout, seed, needs,
        )  # fmt: skip
        gradients = [gradient if needed else None for gradient, needed in zip(found, needs, strict=True)]
    return *gradients, *[None] * 9


def _double_backward(ctx: Any, *gradients: Tensor) -> tuple[None, ...]:
    raise RuntimeError(
        'the fused attention kernels have no second derivative; use backend="reference" for double backward'
    )


torch.library.register_autograd("graphattn::dot_softmax", _backward, setup_context=_setup_context)
torch.library.register_autograd("graphattn::dot_softmax_backward", _double_backward)
