"""Linear maps and sums that allocate as few large tensors as possible."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from graphattn.graph.torch_modes import is_plain
from graphattn.nn.pyg.conv.projection import readable_weight
from graphattn.nn.pyg.writable import writable
from graphattn.nn.sparse_features import is_sparse, sparse_linear
from graphattn.ops.huge_pages import ask_for_huge_pages
from graphattn.ops.mapped import one_by_one
from graphattn.ops.precision import under_autocast
from graphattn.ops.thresholds import is_small

Map = tuple[Tensor, Tensor | None]
"""A weight `[D, F]` and a bias `[D]`."""


def map_features(x: Tensor, linear: Any) -> Tensor:
    """Apply a linear module to node features x `[N, F]`, by `sparse_linear` if they are sparse and it is unmodified."""
    if not is_sparse(x) or readable_weight(linear, x, bias=True) is None:
        return linear(x)
    return sparse_linear(x, linear.weight, linear.bias)


def map_rows(x: Tensor, *linears: Any) -> tuple[Tensor, ...]:
    """Apply several linear modules to x `[N, F]`, by `linear_maps` if all are unmodified and x is dense."""
    if is_sparse(x):
        return tuple(map_features(x, linear) for linear in linears)
    if any(readable_weight(linear, x, bias=True) is None for linear in linears):
        return tuple(linear(x) for linear in linears)
    return linear_maps(x, [(linear.weight, linear.bias) for linear in linears])


def linear_maps(x: Tensor, maps: Sequence[Map]) -> tuple[Tensor, ...]:
    """Several linear maps W x_n + b of the same rows x `[N, F]`; `[N, D]` each.

    Equivalent to `torch.nn.functional.linear` for each map, except that the gradient of `x` is accumulated in place,
    which allocates one tensor instead of two per map, and that large outputs are allocated in huge pages. (Small inputs
    take the standard path, as they gain nothing.)
    """
    if under_autocast(x):
        device = x.device.type
        dtype = torch.get_autocast_dtype(device)
        maps = [(weight.to(dtype), None if bias is None else bias.to(dtype)) for weight, bias in maps]
        with torch.autocast(device, enabled=False):
            return linear_maps(x.to(dtype), maps)
    if not is_plain() or is_small(x):
        return tuple(F.linear(x, *each) for each in maps)
    weights, biases = zip(*maps, strict=True)
    return _LinearMaps.apply(x, *weights, *biases)


def add_terms(out: Tensor, residual: Tensor | None, bias: Tensor | None) -> Tensor:
    """`out` `[N, D]` plus a residual of the same shape and a bias `[D]`, if given, as a new tensor."""
    if residual is None and bias is None:
        return writable(out)
    if not is_plain() or is_small(out) or (residual is not None and residual.dtype != out.dtype):
        out = out if residual is None else out + residual
        return out if bias is None else out + bias
    return _Sum.apply(out, residual, bias)


def _dense(x: Tensor) -> Tensor:
    """A contiguous version; the gradient of a sum or mean is an expanded tensor."""
    return x if x.is_contiguous() or torch.is_grad_enabled() else _empty(x, x.shape[1]).copy_(x)


def _empty(x: Tensor, width: int) -> Tensor:
    made = x.new_empty(x.shape[0], width)
    has_memory = type(made) is Tensor and made.device.type == "cpu"  # tensor subclasses may have no memory
    return ask_for_huge_pages(made) if has_memory else made


class _LinearMaps(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, *parameters: Tensor | None) -> tuple[Tensor, ...]:
        weights, biases = parameters[: len(parameters) // 2], parameters[len(parameters) // 2 :]
        ctx.save_for_backward(x, *weights)
        ctx.set_materialize_grads(False)
        outs = []
        for weight, bias in zip(weights, biases, strict=True):
            assert weight is not None
            out = _empty(x, weight.shape[0])
            turned = weight.t()
            outs.append(torch.mm(x, turned, out=out) if bias is None else torch.addmm(bias, x, turned, out=out))
        return tuple(outs)

    @staticmethod
    @one_by_one
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        x, *weights = ctx.saved_tensors
        needs_x, needs = ctx.needs_input_grad[0], ctx.needs_input_grad[1:]
        to_x: Tensor | None = None
        to_weights: list[Tensor | None] = []
        to_biases: list[Tensor | None] = []
        for place, (gradient, weight) in enumerate(zip(gradients, weights, strict=True)):
            is_there = gradient is not None
            to_weights.append(gradient.t() @ x if is_there and needs[place] else None)
            to_biases.append(gradient.sum(0) if is_there and needs[place + len(weights)] else None)
            if not is_there or not needs_x:
                continue
            if torch.is_grad_enabled():  # second derivatives: no in-place operations
                to_x = gradient @ weight if to_x is None else to_x + gradient @ weight
            else:
                to_x = (
                    torch.mm(gradient, weight, out=_empty(x, x.shape[1]))
                    if to_x is None
                    else to_x.addmm_(gradient, weight)
                )
        return to_x, *to_weights, *to_biases


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, out: Tensor, residual: Tensor | None, bias: Tensor | None) -> Tensor:
        terms = [term for term in (residual, bias) if term is not None]
        dtype = reduce(torch.promote_types, [term.dtype for term in terms], out.dtype)
        total = torch.add(out, terms[0], out=_empty(out, out.shape[1]).to(dtype))
        return total.add_(terms[1]) if len(terms) == 2 else total

    @staticmethod
    @one_by_one
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        needs_residual, needs_bias = ctx.needs_input_grad[1:]
        gradient = _dense(gradient)
        return gradient, gradient if needs_residual else None, gradient.sum(0) if needs_bias else None
