"""Registers the CPU kernels: with the fused operator, and for making compressed forms of lists of edges."""

from __future__ import annotations

from graphattn.graph import native
from graphattn.ops.numba.attend_backward import backward
from graphattn.ops.numba.attend_forward import forward
from graphattn.ops.numba.lists import NATIVE
from graphattn.ops.operator import Kernels, implement

implement("cpu", Kernels(forward, backward))
native.use(NATIVE)
