"""Triton's interpreter, which runs kernels on CPU tensors, made to do as a GPU does."""

from __future__ import annotations

import numpy as np
import triton.language as tl
from triton.runtime import interpreter
from triton.runtime.interpreter import InterpreterBuilder, TensorHandle

_patch_tensor, _cast = interpreter._patch_lang_tensor, InterpreterBuilder.cast_impl
_dot = InterpreterBuilder.create_dot


def _patch(tensor, *scope):
    """NumPy 2.4 makes no integer of an array of one number, which is how the interpreter holds a bound of a loop."""
    _patch_tensor(tensor, *scope)

    def index(self):
        return int(self.handle.data.item())

    if scope:
        scope[0].set_attr(tensor, "__index__", index)
    else:
        tensor.__index__ = index


def _round(self, source, to):
    """float32 to the nearest bfloat16, to even where two are; the interpreter cuts places off."""
    if source.dtype.scalar != tl.float32 or to.scalar != tl.bfloat16:
        return _cast(self, source, to)
    bits = np.ascontiguousarray(source.data).view(np.uint32)
    rounded = (bits + (0x7FFF + ((bits >> np.uint32(16)) & np.uint32(1)))) >> np.uint32(16)
    return TensorHandle(np.where(np.isnan(source.data), np.uint32(0x7FC0), rounded).astype(np.uint16), to.scalar)


def _multiply(self, a, b, sums, *options):
    """Matrices of bfloat16 as the numbers that they are; the interpreter multiplies their bits."""
    factors = (_cast(self, x, tl.float32) if x.dtype.scalar == tl.bfloat16 else x for x in (a, b))
    return _dot(self, *factors, sums, *options)


interpreter._patch_lang_tensor = _patch
InterpreterBuilder.create_dot = _multiply
InterpreterBuilder.cast_impl = _round
