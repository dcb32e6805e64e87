"""The fused operator as PyTorch knows it: schema, shapes and gradients. Needs torch alone.

A backend registers its kernels for its device with `implement`; until it is loaded the operator still
traces under `torch.compile` and `torch.export`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import Parameter

from graphattn.ops import formula
from graphattn.ops.gradient import Tensors, gradient
from graphattn.ops.mapped import one_by_one
from graphattn.ops.precision import wide_dtype

INPUTS = (
    "q", "k", "v", "bias", "edge_key", "edge_value", "edge_attr", "attr_query", "key_proj", "value_proj", "vector"
)  # fmt: skip
"""What can have a gradient."""

# q [M, H, D] ([M, H] for "sum"), k [N, Hk, D] ([N, Hk]), v [N, Hk, Dv], bias [E, H], edge_key [E, H, D],
# edge_value [E, H, Dv], edge_attr [E, A], attr_query [M, H, A] (added to a dot score: ⟨attr_query_i, edge_attr_ij⟩),
# key_proj [A, H, D] and value_proj [A, H, Dv] (edge_attr · key_proj is added to the key, inside the activation of an
# additive score; likewise to the value), vector [H, D] of an additive score. Edge tensors are in the caller's order. q
# (where there is no key_proj), k and edge_key, v and edge_value may be halves, all else is float32 or float64. Of the
# two ways to have edge features outside an activation, attr_query and attr_value (below) are for GPUs, key_proj and
# value_proj for CPUs.
_TENSORS = (
    "Tensor? q, Tensor? k, Tensor v, Tensor? bias, Tensor? edge_key, Tensor? edge_value, Tensor? edge_attr, "
    "Tensor? attr_query, Tensor? key_proj, Tensor? value_proj, Tensor? vector"
)
# Edges by destination (indptr, indices, edge_ids: the caller's edge at each place or None) and, where a backward
# pass can follow, by source (csc_indptr, csc_indices, places: the place by destination of each).
_GRAPH = "Tensor indptr, Tensor indices, Tensor? edge_ids, Tensor? csc_indptr, Tensor? csc_indices, Tensor? places"
# score: "dot", "sum", "leaky_relu" or "tanh" (both additive) or "none".
_OPTIONS = (
    "str score, str normalize, int heads, float scale, float negative_slope, float dropout, Tensor? seed, "
    "bool attr_value, bool return_weights"
)
# attr_out [M, H, A] is the weighted mean of edge_attr if attr_value; lse [M, H] and rest (what rounding took from lse,
# so that the backward pass finds the weights again however large the scores) if a softmax; weights [E, H] in the
# caller's order if asked for. What is not there has length zero.
_OUTPUTS = "Tensor out, Tensor attr_out, Tensor lse, Tensor rest, Tensor weights"
_NUM_EDGES, _NUM_OPTIONS, _NUM_OUTPUTS, _NUM_GRADIENTS = 6, 9, 5, 4

torch.library.define("graphattn::attend", f"({_TENSORS}, {_GRAPH}, {_OPTIONS}) -> ({_OUTPUTS})")
torch.library.define(
    "graphattn::attend_backward",
    "(Tensor grad_out, Tensor? grad_attr_out, Tensor? grad_lse, Tensor? grad_weights, "
    f"{_OUTPUTS}, {_TENSORS}, {_GRAPH}, {_OPTIONS}, bool[] needs) -> ("
    + ", ".join(f"Tensor grad_{name}" for name in INPUTS)
    + ")",
)


def split_inputs(inputs: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]]:
    """The operator's tensors, edges and options."""
    first, last = len(INPUTS), len(INPUTS) + _NUM_EDGES
    return inputs[:first], inputs[first:last], inputs[last : last + _NUM_OPTIONS]


def split_backward_inputs(inputs: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]]:
    """The gradients that come in, the operator's outputs, and its inputs."""
    first, last = _NUM_GRADIENTS, _NUM_GRADIENTS + _NUM_OUTPUTS
    return inputs[:first], inputs[first:last], inputs[last:-1]


def empty_outputs(v: Tensor, edge_attr: Tensor | None, indptr: Tensor, indices: Tensor, options: Any) -> list[Tensor]:
    """The outputs, not yet written."""
    _, normalize, heads, *_, attr_value, weights = options
    M, A = indptr.shape[0] - 1, edge_attr.shape[1] if attr_value and edge_attr is not None else 0
    dtype = wide_dtype(v.dtype)
    softmax = (M, heads) if normalize == "softmax" else (0,)
    shapes = [(M, heads, v.shape[2]), (M, heads, A) if attr_value else (0,), softmax, softmax]
    shapes += [(indices.shape[0], heads) if weights else (0,)]
    return [v.new_empty(shape, dtype=dtype) for shape in shapes]


@torch.library.register_fake("graphattn::attend")
def _fake_forward(*inputs: Any) -> tuple[Tensor, ...]:
    (_, _, v, _, _, _, edge_attr, *_), (indptr, indices, *_), options = split_inputs(inputs)
    return tuple(empty_outputs(v, edge_attr, indptr, indices, options))


@torch.library.register_fake("graphattn::attend_backward")
def _fake_backward(*inputs: Any) -> tuple[Tensor, ...]:
    tensors, _, _ = split_inputs(split_backward_inputs(inputs)[2])
    return tuple(
        torch.empty_like(tensor, memory_format=torch.contiguous_format) if needed else inputs[0].new_empty(0)
        for tensor, needed in zip(tensors, inputs[-1], strict=True)
    )


class Kernels(NamedTuple):
    """The operator and its gradient on one kind of device, on the inputs that their schemas list."""

    attend: Callable[..., tuple[Tensor, ...]]
    attend_backward: Callable[..., tuple[Tensor, ...]]


_kernels: dict[str, Kernels] = {}  # by type of device


def implement(device: str, kernels: Kernels) -> None:
    """Register the kernels for a type of device."""
    for name, kernel in kernels._asdict().items():
        torch.library.impl(f"graphattn::{name}", device, kernel)
    _kernels[device] = kernels


def is_traced() -> bool:
    """Whether a trace, a mode, a transform or a profiler is to see what is computed."""
    return bool(
        torch.compiler.is_compiling()
        or torch._C._len_torch_dispatch_stack()
        or torch._C._functorch.peek_interpreter_stack() is not None
        or torch._C._autograd._profiler_enabled()
    )


def _direct(inputs: Sequence[Any]) -> Kernels | None:
    """The kernels for these inputs, if PyTorch's dispatcher would do no more than call them.

    To go through it with so many arguments takes as long as attention on a hundred nodes. It is needed where the call
    is traced, or a tensor is of a kind of its own.
    """
    if is_traced():
        return None
    tensors = [x for x in inputs if isinstance(x, Tensor)]
    if any(type(x) is not Tensor and type(x) is not Parameter for x in tensors):
        return None
    return _kernels.get(tensors[0].device.type)


class _Attend(torch.autograd.Function):
    """The operator with its gradient.

    `torch.library.register_autograd` would do, but goes over the schema at each call in time that grows with the
    square of its arguments: 150 µs for these.
    """

    @staticmethod
    def forward(ctx: Any, run: Callable[..., tuple[Tensor, ...]], *inputs: Any) -> tuple[Tensor, ...]:
        outputs = run(*inputs)
        *tensors, score, normalize, heads, scale, negative_slope, dropout, seed, attr_value, weights = inputs
        ctx.save_for_backward(*outputs, *tensors, seed)
        ctx.before_seed = (score, normalize, heads, scale, negative_slope, dropout)
        ctx.after_seed = (attr_value, weights)
        ctx.mark_non_differentiable(outputs[3])
        ctx.set_materialize_grads(False)
        return outputs

    @staticmethod
    @one_by_one
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        *saved, seed = ctx.saved_tensors
        out = saved[0]
        _, (*_, csc_indptr, _, _), _ = split_inputs(saved[_NUM_OUTPUTS:])
        if csc_indptr is None:
            raise RuntimeError("the operator was called without the edges by source, which its backward pass needs")
        grad_out, grad_attr_out, grad_lse, _, grad_weights = gradients
        needs = list(ctx.needs_input_grad[1 : 1 + len(INPUTS)])
        found: list[Tensor | None] = [None] * len(INPUTS)
        if any(gradient is not None for gradient in gradients):
            each = _attend_backward(
                torch.zeros_like(out) if grad_out is None else grad_out,
                grad_attr_out, grad_lse, grad_weights, *saved, *ctx.before_seed, seed, *ctx.after_seed, needs,
            )  # fmt: skip
            found = [gradient if needed else None for gradient, needed in zip(each, needs, strict=True)]
        return None, *found, *[None] * (_NUM_EDGES + _NUM_OPTIONS)


def _gradient(run: Callable[..., tuple[Tensor, ...]], *inputs: Any) -> Tensors:
    """The gradient with its own, which is that of the formula in plain torch."""
    incoming, outputs, rest = split_backward_inputs(inputs)
    tensors, edges, options = split_inputs(rest)
    return gradient(
        lambda incoming, tensors: run(*incoming, *outputs, *tensors, *edges, *options, inputs[-1]),
        lambda tensors: formula.outputs(tensors, edges, options),
        incoming,
        tensors,
    )


def _with_gradient(operator: Any, differentiable: Callable[..., Any]) -> Any:
    def run(keys: Any, *inputs: Any) -> Any:
        below = partial(operator.redispatch, keys & torch._C._after_autograd_keyset)
        if torch.is_grad_enabled() and any(isinstance(x, Tensor) and x.requires_grad for x in inputs):
            return differentiable(below, *inputs)
        return below(*inputs)

    return run


_library = torch.library.Library("graphattn", "FRAGMENT")  # what it registers lasts as long as it does
for _operator, _differentiable in (
    (torch.ops.graphattn.attend.default, _Attend.apply),
    (torch.ops.graphattn.attend_backward.default, _gradient),
):
    _library.impl(_operator, _with_gradient(_operator, _differentiable), "Autograd", with_keyset=True)


def attend(*inputs: Any, needs_grad: bool) -> tuple[Tensor, ...]:
    """`graphattn::attend`, for inputs of which some need a gradient, or none."""
    kernels = _direct(inputs)
    if kernels is None:
        return torch.ops.graphattn.attend.default(*inputs)
    return _Attend.apply(kernels.attend, *inputs) if needs_grad else kernels.attend(*inputs)


def _attend_backward(*inputs: Any) -> Tensors:
    kernels = None if torch.is_grad_enabled() else _direct(inputs)
    return (torch.ops.graphattn.attend_backward.default if kernels is None else kernels.attend_backward)(*inputs)
