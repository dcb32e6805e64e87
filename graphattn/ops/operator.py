"""The fused operator registered with PyTorch: its schema, the shapes of its results and its gradient.

A backend registers its kernels for a type of device with `implement`. Until it does, the operator can still be traced
by `torch.compile` and `torch.export`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import Parameter

from graphattn.ops import formula, schema
from graphattn.ops.gradient import Tensors, gradient
from graphattn.ops.mapped import one_by_one
from graphattn.ops.precision import wide_dtype
from graphattn.ops.schema import (
    INPUTS,
    EdgeLists,
    Inputs,
    Options,
    OutputGradients,
    Outputs,
    split,
    split_backward,
    split_forward,
)

torch.library.define("graphattn::attend", schema.FORWARD)
torch.library.define("graphattn::attend_backward", schema.BACKWARD)


def empty_outputs(inputs: Inputs, edges: EdgeLists, options: Options) -> Outputs:
    """The outputs, allocated but not yet written."""
    v, edge_attr, heads = inputs.v, inputs.edge_attr, options.heads
    M, A = edges.indptr.shape[0] - 1, edge_attr.shape[1] if options.attr_value and edge_attr is not None else 0
    dtype, absent = wide_dtype(v.dtype), (0,)
    of_softmax = (M, heads) if options.normalize == "softmax" else absent
    return Outputs(
        out=v.new_empty((M, heads, v.shape[2]), dtype=dtype),
        attr_out=v.new_empty((M, heads, A) if options.attr_value else absent, dtype=dtype),
        lse=v.new_empty(of_softmax, dtype=dtype),
        rest=v.new_empty(of_softmax, dtype=dtype),
        weights=v.new_empty((edges.indices.shape[0], heads) if options.return_weights else absent, dtype=dtype),
    )


@torch.library.register_fake("graphattn::attend")
def _fake_forward(*arguments: Any) -> Outputs:
    return empty_outputs(*split_forward(arguments))


@torch.library.register_fake("graphattn::attend_backward")
def _fake_backward(*arguments: Any) -> tuple[Tensor, ...]:
    given = split_backward(arguments)
    return tuple(
        torch.empty_like(tensor, memory_format=torch.contiguous_format)
        if needed and tensor is not None
        else given.outputs.out.new_empty(0)
        for tensor, needed in zip(given.inputs, given.needs.values(), strict=True)
    )


class Kernels(NamedTuple):
    """The operator and its gradient on one kind of device; both take the flat list of their schema.

    A gradient that is not wanted may be None.
    """

    attend: Callable[..., Outputs]
    attend_backward: Callable[..., Tensors]


_NUM_OPTIONS, _NUM_OUTPUTS = len(Options._fields), len(Outputs._fields)
_kernels: dict[str, Kernels] = {}  # by type of device


def implement(device: str, kernels: Kernels) -> None:
    """Register the kernels for a type of device."""
    torch.library.impl("graphattn::attend", device, kernels.attend)
    torch.library.impl("graphattn::attend_backward", device, partial(_none_is_empty, kernels.attend_backward))
    _kernels[device] = kernels


def _none_is_empty(run: Callable[..., Tensors], grad_out: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    """A gradient that is not wanted as a tensor of length zero, for an operator of PyTorch's has no other way."""
    return tuple(grad_out.new_empty(0) if each is None else each for each in run(grad_out, *arguments))


def is_traced() -> bool:
    """Whether a tracer, a dispatch mode, a function transform or a profiler must see what is computed."""
    return bool(
        torch.compiler.is_compiling()
        or torch._C._len_torch_dispatch_stack()
        or torch._C._functorch.peek_interpreter_stack() is not None
        or torch._C._autograd._profiler_enabled()
    )


def _direct(arguments: Sequence[Any]) -> Kernels | None:
    """The kernels for these arguments, if PyTorch's dispatcher would do nothing but call them.

    With so many arguments, the dispatcher takes as long as attention on a hundred nodes. It is needed only if the call
    is traced or a tensor is of a subclass.
    """
    if is_traced():
        return None
    first: Tensor | None = None
    for x in arguments:  # at every call: a loop over exact types takes a fifth of isinstance in comprehensions
        kind = type(x)
        if kind is Tensor or kind is Parameter:
            first = x if first is None else first
        elif kind not in _PLAIN and isinstance(x, Tensor):
            return None
    return None if first is None else _kernels.get(first.device.type)


_PLAIN = {type(None), bool, int, float, str, list, Tensor, Parameter}


class _Attend(torch.autograd.Function):
    """The operator with its gradient.

    `torch.library.register_autograd` would do, but it goes over the schema at each call, in time that grows with the
    square of the number of arguments: 150 µs for these.
    """

    @staticmethod
    def forward(ctx: Any, run: Callable[..., Any], *arguments: Any) -> tuple[Tensor, ...]:
        outputs = Outputs._make(run(*arguments))
        options = Options._make(arguments[-_NUM_OPTIONS:])
        ctx.save_for_backward(*outputs, *arguments[:-_NUM_OPTIONS], options.seed)
        ctx.options = options._replace(seed=None)
        ctx.mark_non_differentiable(outputs.rest)
        ctx.set_materialize_grads(False)
        return tuple(outputs)

    @staticmethod
    @one_by_one
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        *saved, seed = ctx.saved_tensors
        outputs, _, edges = split(saved, Outputs, Inputs, EdgeLists)
        if edges.csc_indptr is None:
            raise RuntimeError("the operator was called without the edges by source, which its backward pass needs")
        needs = list(ctx.needs_input_grad[1 : 1 + len(INPUTS)])
        found: list[Tensor | None] = [None] * len(INPUTS)
        if any(gradient is not None for gradient in gradients):
            of_out, of_attr_out, of_lse, _, of_weights = gradients
            incoming = OutputGradients(
                torch.zeros_like(outputs.out) if of_out is None else of_out, of_attr_out, of_lse, of_weights
            )
            each = _attend_backward(*incoming, *saved, *ctx.options._replace(seed=seed), needs)
            found = [gradient if needed else None for gradient, needed in zip(each, needs, strict=True)]
        return None, *found, *[None] * (len(EdgeLists._fields) + _NUM_OPTIONS)


class _Direct(torch.autograd.Function):
    """The same without the dispatcher, given only the tensors that are there: PyTorch's own work at each call of a
    function grows with the number of its arguments.
    """

    @staticmethod
    def forward(
        ctx: Any, kernels: Kernels, edges: EdgeLists, options: Options, places: list[int], *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        outputs = kernels.attend(*_placed(places, tensors), *edges, *options)
        ctx.kernels, ctx.edges, ctx.options, ctx.places = kernels, edges, options, places
        ctx.save_for_backward(*outputs, *tensors)
        ctx.mark_non_differentiable(outputs.rest)
        ctx.set_materialize_grads(False)
        return tuple(outputs)

    @staticmethod
    @one_by_one
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        of_out, of_attr_out, of_lse, _, of_weights = gradients
        needed = ctx.needs_input_grad[4:]
        if of_out is of_attr_out is of_lse is of_weights is None:
            return (None,) * (4 + len(needed))
        saved = ctx.saved_tensors
        outputs, tensors = saved[:_NUM_OUTPUTS], saved[_NUM_OUTPUTS:]
        needs = [False] * len(INPUTS)
        for place, each in zip(ctx.places, needed, strict=True):
            needs[place] = each
        incoming = (torch.zeros_like(outputs[0]) if of_out is None else of_out), of_attr_out, of_lse, of_weights
        direct = not torch.is_grad_enabled() and not is_traced() and type(incoming[0]) is Tensor
        run = ctx.kernels.attend_backward if direct else torch.ops.graphattn.attend_backward.default
        found = run(*incoming, *outputs, *_placed(ctx.places, tensors), *ctx.edges, *ctx.options, needs)
        grads = (found[place] if each else None for place, each in zip(ctx.places, needed, strict=True))
        return None, None, None, None, *grads


def _placed(places: Sequence[int], tensors: Sequence[Tensor]) -> list[Tensor | None]:
    """The inputs in the order of the schema, with None for those that are not there."""
    inputs: list[Tensor | None] = [None] * len(INPUTS)
    for place, tensor in zip(places, tensors, strict=True):
        inputs[place] = tensor
    return inputs


def _gradient(run: Callable[..., tuple[Tensor, ...]], *arguments: Any) -> Tensors:
    """The gradient, which is itself differentiable: its derivative is that of the formula in plain torch."""
    incoming, outputs, inputs, edges, options, _ = split_backward(arguments)
    return gradient(
        lambda incoming, inputs: run(*incoming, *outputs, *inputs, *edges, *options, arguments[-1]),
        lambda inputs: formula.outputs(Inputs._make(inputs), edges, options),
        incoming,
        inputs,
    )


def _with_gradient(operator: Any, differentiable: Callable[..., Any]) -> Any:
    def run(keys: Any, *arguments: Any) -> Any:
        below = partial(operator.redispatch, keys & torch._C._after_autograd_keyset)
        if torch.is_grad_enabled() and any(isinstance(x, Tensor) and x.requires_grad for x in arguments):
            return differentiable(below, *arguments)
        return below(*arguments)

    return run


_library = torch.library.Library("graphattn", "FRAGMENT")  # kept, for its registrations end with it
for _operator, _differentiable in (
    (torch.ops.graphattn.attend.default, _Attend.apply),
    (torch.ops.graphattn.attend_backward.default, _gradient),
):
    _library.impl(_operator, _with_gradient(_operator, _differentiable), "Autograd", with_keyset=True)


def attend(inputs: Inputs, edges: EdgeLists, options: Options, *, needs_grad: bool) -> Outputs:
    """`graphattn::attend`; `needs_grad` says whether any of the inputs needs a gradient."""
    arguments = (*inputs, *edges, *options)
    kernels = _direct(arguments)
    if kernels is None:
        return Outputs._make(torch.ops.graphattn.attend.default(*arguments))
    if not needs_grad:
        return kernels.attend(*arguments)
    if edges.csc_indptr is None:
        raise RuntimeError("the operator was called without the edges by source, which its backward pass needs")
    places = [place for place, tensor in enumerate(inputs) if tensor is not None]
    return Outputs._make(_Direct.apply(kernels, edges, options, places, *(inputs[place] for place in places)))


def _attend_backward(*arguments: Any) -> Tensors:
    kernels = None if torch.is_grad_enabled() else _direct(arguments)
    return (torch.ops.graphattn.attend_backward.default if kernels is None else kernels.attend_backward)(*arguments)
