"""Reversible residual layers, whose activations are recomputed from the output in the backward pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from graphattn.graph import Graph


class ReversibleEncoder(nn.Module):
    """Reversible pairs of branches f (attention) and g (feed-forward) over two streams, both initialized with x.

        y_1 = x_1 + f(x_2),   y_2 = x_2 + g(y_1);        out = norm((y_1 + y_2) / 2) after the last pair

    The backward pass recomputes the inputs of each pair, x_2 = y_2 − g(y_1) and x_1 = y_1 − f(x_2), with the random
    state and the autocast settings of the forward pass. Memory does not grow with depth, at the cost of one more
    forward pass. A backward pass with `create_graph=True` keeps the activations of all pairs, as other layers do.

    Args:
        blocks: pairs (f, g), called as `f(x, graph)` and `g(x)`.
        norm: final norm; None for none.

    Shapes:
        x `[N, C]` → `[N, C]`.

    Gomez et al. 2017, arXiv:1707.04585, eq. 6-7; in Transformers: Kitaev et al. 2020, arXiv:2001.04451, eq. 8-9. The
    random states of the CPU and of the device of x are saved and restored.
    """

    def __init__(self, blocks: Iterable[tuple[nn.Module, nn.Module]], *, norm: nn.Module | None = None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.ModuleList(pair) for pair in blocks)
        self.norm = norm

    def forward(self, x: Tensor, graph: Graph) -> Tensor:
        """Run all pairs."""
        blocks: Any = self.blocks
        parameters = [parameter for parameter in self.blocks.parameters() if parameter.requires_grad]
        first, second = _Reversible.apply(x, graph, [tuple(pair) for pair in blocks], *parameters)
        out = (first + second) / 2
        return out if self.norm is None else self.norm(out)


Pairs = Sequence[tuple[nn.Module, nn.Module]]


class _Reversible(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, graph: Graph, pairs: Pairs, *parameters: Tensor) -> tuple[Tensor, Tensor]:
        ctx.graph, ctx.pairs, ctx.states = graph, pairs, []
        x_1 = x_2 = x
        device = x.device.type
        ctx.autocast = device, torch.get_autocast_dtype(device), torch.is_autocast_enabled(device)
        with torch.no_grad():
            for f, g in pairs:
                ctx.states.append(_random_state(x_1.device))
                x_1 = x_1 + f(x_2, graph)
                ctx.states.append(_random_state(x_1.device))
                x_2 = x_2 + g(x_1)
        ctx.save_for_backward(x, x_1, x_2, *parameters)
        return x_1.clone(), x_2.clone()

    @staticmethod
    def backward(ctx: Any, dy_1: Tensor, dy_2: Tensor) -> tuple[Any, ...]:
        if torch.is_grad_enabled():
            return _differentiable(ctx, dy_1, dy_2)
        _, y_1, y_2, *parameters = ctx.saved_tensors
        grads = [torch.zeros_like(parameter) for parameter in parameters]
        again = partial(_again, parameters=parameters, grads=grads, autocast=ctx.autocast)
        for number in reversed(range(len(ctx.pairs))):
            f, g = ctx.pairs[number]
            value, dy = again(g, (y_1,), dy_2, ctx.states[2 * number + 1])
            x_2, dy_1 = y_2 - value, dy_1 + dy
            value, dx = again(f, (x_2, ctx.graph), dy_1, ctx.states[2 * number])
            y_1, y_2, dy_2 = y_1 - value, x_2, dy_2 + dx
        return dy_1 + dy_2, None, None, *grads


def _differentiable(ctx: Any, dy_1: Tensor, dy_2: Tensor) -> tuple[Any, ...]:
    """The gradients as PyTorch computes them from a forward pass that is kept, so that they can be differentiated."""
    x, _, _, *parameters = ctx.saved_tensors
    y_1 = y_2 = x
    for number, (f, g) in enumerate(ctx.pairs):
        with _as_before(x.device, ctx.states[2 * number], ctx.autocast):
            y_1 = y_1 + f(y_2, ctx.graph)
        with _as_before(x.device, ctx.states[2 * number + 1], ctx.autocast):
            y_2 = y_2 + g(y_1)
    inputs = [x, *parameters]
    wanted = [each for each in inputs if each.requires_grad]
    found = iter(torch.autograd.grad((y_1, y_2), wanted, (dy_1, dy_2), create_graph=True, allow_unused=True))
    dx, *grads = [next(found) if each.requires_grad else None for each in inputs]
    return dx, None, None, *grads


@contextmanager
def _as_before(
    device: torch.device, state: tuple[Tensor, Tensor | None], autocast: tuple[str, torch.dtype, bool]
) -> Iterator[None]:
    """Run a branch with the random state and the autocast settings that it had in the forward pass."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.autocast(*autocast):
        torch.set_rng_state(state[0])
        if state[1] is not None:
            torch.cuda.set_rng_state(state[1], device)
        yield


def _again(
    branch: nn.Module,
    inputs: tuple[Any, ...],
    grad: Tensor,
    state: Any,
    *,
    parameters: Sequence[Tensor],
    grads: Sequence[Tensor],
    autocast: tuple[str, torch.dtype, bool],
) -> tuple[Tensor, Tensor]:
    """Recompute a branch; return its output and input gradient, and add parameter gradients to `grads`."""
    x, *graph = inputs
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        with _as_before(x.device, state, autocast):
            value = branch(x, *graph)
        dx, *found = torch.autograd.grad(value, (x, *parameters), grad.to(value.dtype), allow_unused=True)
    for total, each in zip(grads, found, strict=True):
        if each is not None:
            total += each
    return value.detach(), dx


def _random_state(device: torch.device) -> tuple[Tensor, Tensor | None]:
    return torch.get_rng_state(), torch.cuda.get_rng_state(device) if device.type == "cuda" else None
