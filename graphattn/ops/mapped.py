"""Backward passes under `vmap`: several gradients of one result, one after another.

So are they asked for by `torch.autograd.grad(..., is_grads_batched=True)` and vectorized Jacobians.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import is_legacy_batchedtensor

from graphattn.graph.torch_modes import is_mapped

Gradients = tuple[Tensor | None, ...]


def one_by_one(backward: Callable[..., Gradients]) -> Callable[..., Gradients]:
    """The backward pass of an `autograd.Function` that does not know `vmap`, with a loop over what is mapped.

    It costs what the passes cost one after another, and no item sees another's numbers.
    """

    @wraps(backward)
    def run(ctx: Any, *gradients: Tensor | None) -> Gradients:
        if any(x is not None and is_legacy_batchedtensor(x) for x in gradients):
            return _in_turn(partial(run, ctx), gradients)
        if any(x is not None and is_mapped(x) for x in gradients):
            found: Gradients = _InTurn.apply(partial(run, ctx), *gradients)
            return found
        return backward(ctx, *gradients)

    return run


class _InTurn(torch.autograd.Function):
    """A way out of `torch.func.vmap`, which calls nothing here but `vmap`."""

    @staticmethod
    def forward(run: Callable[..., Gradients], *gradients: Tensor | None) -> Gradients:
        return run(*gradients)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        pass

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], run: Callable[..., Gradients], *gradients: Any) -> Any:
        dims = in_dims[1:]
        stacked = _stacked(
            run(*(x if dim is None else x.select(dim, at) for x, dim in zip(gradients, dims, strict=True)))
            for at in range(info.batch_size)
        )
        return stacked, tuple(None if x is None else 0 for x in stacked)


def _in_turn(run: Callable[..., Gradients], gradients: Sequence[Tensor | None]) -> Gradients:
    """The same for what `torch.autograd` maps by itself, with tensors of another kind."""
    with _outside() as level:
        flat = [
            torch._remove_batch_dim(x, level, 1, 0) if x is not None and is_legacy_batchedtensor(x) else None
            for x in gradients
        ]
        size = max(len(x) for x in flat if x is not None)
        stacked = _stacked(
            run(*(x if each is None else each[at] for x, each in zip(gradients, flat, strict=True)))
            for at in range(size)
        )
    return tuple(None if x is None else torch._add_batch_dim(x, 0, level) for x in stacked)


@contextmanager
def _outside() -> Iterator[int]:
    """Leave the innermost level of that; which it is."""
    level = torch._C._vmapmode_decrement_nesting() + 1
    try:
        yield level
    finally:
        torch._C._vmapmode_increment_nesting()


def _stacked(each: Iterator[Gradients]) -> Gradients:
    return tuple(None if found[0] is None else torch.stack(found) for found in zip(*each, strict=True))
