"""Functions that only kernels call: compiled to LLVM IR, and to machine code only as a part of each kernel.

Numba optimizes and translates every function on its own, and once more in each that calls it. Of a
kernel's sixty functions only the kernel itself is called from outside, so most of that work, and time, was wasted.
"""

from __future__ import annotations

from typing import Any

from numba import njit
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler


class _Nowhere:
    """Stands for the engine that runs machine code, where there is none."""

    def set_env(self, name: str, environment: Any) -> None:
        """Do nothing: the kernel sets the environments of all its functions."""


class _Library(JITCodeLibrary):
    """The code of one function, and of those it calls, to be linked into others."""

    codegen = _Nowhere()

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Zero: there is none."""
        self._ensure_finalized()
        return 0


class _HelperCompiler(Compiler):
    def define_pipelines(self) -> Any:
        """Numba's own, with another library for its result."""
        self.state.library = _Library(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        return super().define_pipelines()


# No fast mathematics: NaN and infinity keep their meaning (a score of -inf hides an edge), and sums round as written,
# so that equal terms cancel and both passes find the same score. What may be reordered is vectorized by hand.
HELPER: dict[str, Any] = {
    "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "pipeline_class": _HelperCompiler
}  # fmt: skip
shared = njit(**HELPER)  # one function for all its callers
inlined = njit(**HELPER, forceinline=True)  # by LLVM: Numba's own inlining takes stores through pointers for dead
