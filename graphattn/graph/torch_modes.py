"""Which of PyTorch's modes is active: compiling, exporting, `torch.func` transforms, inference."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.autograd import forward_ad


def is_transformed() -> bool:
    """Whether a transform of `torch.func`, forward-mode differentiation or `torch.jit.trace` is at work.

    They know PyTorch's operations alone, and pass others over without a word or fail at them.
    """
    if torch.compiler.is_compiling():
        return False
    return (
        torch._C._functorch.peek_interpreter_stack() is not None
        or forward_ad._current_level >= 0
        or torch.jit.is_tracing()
    )


def is_plain() -> bool:
    """Whether the program runs eagerly: it is neither compiled nor transformed."""
    return not torch.compiler.is_compiling() and not is_transformed()


# From PyTorch 2.7 on. An older one settles, while it exports, questions about sizes that are left open.
is_exporting = getattr(torch.compiler, "is_exporting", lambda: False)
"""Whether `torch.export` makes a program, which is for sizes on either side of any limit."""


def has_values(tensor: Tensor) -> bool:
    """Whether the numbers in a tensor can be looked at: not while a program is traced, on "meta", or in a fake one."""
    return not (torch.compiler.is_compiling() or tensor.is_meta or isinstance(tensor, FakeTensor))


def refuse_jit_trace(what: str) -> None:
    """Raise RuntimeError in `torch.jit.trace`, which would keep for a constant what is read from `what`."""
    if torch.jit.is_tracing():
        raise RuntimeError(f"torch.jit.trace would keep the {what} for a constant: use torch.export or torch.compile")


def untransformed() -> AbstractContextManager[Any]:
    """Suspend the transforms of `torch.func`, so that tensors made inside can be kept after they end."""
    if torch._C._functorch.peek_interpreter_stack() is None:
        return nullcontext()
    from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack

    return temporarily_clear_interpreter_stack()


def savable(edge_index: Tensor | None = None) -> AbstractContextManager[None]:
    """What is derived inside may be kept and serve any call later, a backward pass too.

    The tensors that `torch.inference_mode` and the transforms of `torch.func` make cannot. (Edges that `vmap` maps over
    are such a tensor themselves: what is derived from them lives as long as they do.)
    """
    if torch.compiler.is_compiling() or not (
        torch.is_inference_mode_enabled() or torch._C._functorch.peek_interpreter_stack() is not None
    ):
        return _AS_IT_IS
    return _AS_IT_IS if edge_index is not None and is_mapped(edge_index) else _savable()


_AS_IT_IS = nullcontext()


@contextmanager
def _savable() -> Iterator[None]:
    with torch.inference_mode(False), untransformed():
        yield


def is_mapped(tensor: Tensor) -> bool:
    """Whether `torch.func.vmap` maps over a tensor, so that Python cannot branch on its values."""
    if torch.compiler.is_compiling() or torch._C._functorch.peek_interpreter_stack() is None:
        return False
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        if torch._C._functorch.is_batchedtensor(tensor):
            return True
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return False


def values_of(tensor: Tensor) -> Tensor:
    """All numbers of a tensor, those of each item that `torch.func.vmap` maps over, in one without wrappers."""
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return tensor


def unwrapped(tensor: Tensor) -> Tensor:
    """The tensor that gradient transforms of `torch.func` have wrapped, or the tensor itself."""
    while torch._C._functorch.is_gradtrackingtensor(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return tensor
