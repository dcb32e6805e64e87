"""Makes gradients that kernels compute differentiable, by a formula in plain torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from graphattn.ops.mapped import one_by_one

Tensors = Sequence[Tensor | None]
Find = Callable[[Tensors, Tensors], Tensors]
Formula = Callable[[Tensors], Tensors]


def gradient(find: Find, formula: Formula, incoming: Tensors, inputs: Tensors) -> Tensors:
    """The gradients of `inputs` that `find(incoming, inputs)` returns, such that they can be differentiated again.

    Their derivative is that of the gradients of `formula`; it is computed only if it is needed. The gradient of an
    input that does not need one is None or has any size.

    Args:
        find: computes the gradients of `inputs` from those of the outputs, by any means.
        formula: computes the outputs from `inputs` by PyTorch's own operations, as many as `incoming`.
        incoming: the gradients of the outputs.
        inputs: the inputs.
    """
    if not torch.is_grad_enabled():
        return find(incoming, inputs)
    found: Tensors = _Gradient.apply(find, formula, len(incoming), *incoming, *inputs)
    return found


def differentiate(formula: Formula, incoming: Tensors, inputs: Tensors, wanted: Sequence[bool]) -> list[Tensor | None]:
    """The gradients of the wanted inputs, differentiated through a formula in plain torch with `create_graph=True`."""
    with torch.enable_grad():
        # Aliases: an input may have been computed from another one, and that is not part of the formula.
        inputs = [_alias(x, of_its_own=want) for x, want in zip(inputs, wanted, strict=True)]
        pairs = [
            (output, grad)
            for output, grad in zip(formula(inputs), incoming, strict=True)
            if output is not None and grad is not None and output.requires_grad
        ]
        leaves = [x for x, want in zip(inputs, wanted, strict=True) if want and x is not None]
        grads = _grads([output for output, _ in pairs], leaves, [grad for _, grad in pairs], create_graph=True)
    found = iter(grads)
    return [next(found) if want and x is not None else None for x, want in zip(inputs, wanted, strict=True)]


class _Gradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, find: Find, formula: Formula, count: int, *tensors: Tensor | None) -> Any:
        ctx.formula, ctx.count = formula, count
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors)
        return tuple(find(tensors[:count], tensors[count:]))

    @staticmethod
    @one_by_one
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        needs, lasting = ctx.needs_input_grad[3:], torch.is_grad_enabled()
        wanted = [gradient is not None for gradient in gradients]
        with torch.enable_grad():
            tensors = [_alias(x, of_its_own=need) for x, need in zip(ctx.saved_tensors, needs, strict=True)]
            first = differentiate(ctx.formula, tensors[: ctx.count], tensors[ctx.count :], wanted)
        pairs = [
            (found, gradient)
            for found, gradient in zip(first, gradients, strict=True)
            if found is not None and gradient is not None and found.requires_grad
        ]
        leaves = [x for x, need in zip(tensors, needs, strict=True) if need]
        second = iter(_grads([x for x, _ in pairs], leaves, [grad for _, grad in pairs], create_graph=lasting))
        return None, None, None, *(next(second) if need else None for need in needs)


def _alias(x: Tensor | None, *, of_its_own: bool) -> Tensor | None:
    """A view of the tensor as a leaf of its own, or, unless `of_its_own`, the tensor without a new leaf."""
    if x is None:
        return None
    if not of_its_own:
        return x if x.requires_grad else x.detach()
    return x.view_as(x) if x.requires_grad else x.detach().requires_grad_()


def _grads(outputs: Any, leaves: Any, incoming: Any, *, create_graph: bool) -> Tensors:
    if not outputs or not leaves:
        return [None] * len(leaves)
    found: Tensors = torch.autograd.grad(outputs, leaves, incoming, create_graph=create_graph, allow_unused=True)
    return found
