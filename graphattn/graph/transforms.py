"""What PyTorch does to a program around our own code: transforms that are to see each of its operations."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
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
    """Whether PyTorch does nothing but run the program: it is neither compiled nor transformed."""
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
    """Leave the transforms of `torch.func` for a while: what is made inside outlives them."""
    if torch._C._functorch.peek_interpreter_stack() is None:
        return nullcontext()
    from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack

    return temporarily_clear_interpreter_stack()


def unwrapped(tensor: Tensor) -> Tensor:
    """The tensor that gradient transforms of `torch.func` have wrapped, or the tensor itself."""
    while torch._C._functorch.is_gradtrackingtensor(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return tensor
