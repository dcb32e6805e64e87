"""Triton's interpreter, which runs kernels on CPU tensors."""

from __future__ import annotations

from triton.runtime import interpreter

_patch_tensor = interpreter._patch_lang_tensor


def _patch(tensor, *scope):
    """NumPy 2.4 makes no integer of an array of one number, which is how the interpreter holds a bound of a loop."""
    _patch_tensor(tensor, *scope)
    index = lambda self: int(self.handle.data.item())  # noqa: E731
    if scope:
        scope[0].set_attr(tensor, "__index__", index)
    else:
        tensor.__index__ = index


interpreter._patch_lang_tensor = _patch
