"""The dropout hash of `graphattn.ops.random`, for kernels."""

from typing import Any

from numba import njit, uint64

_MASK = uint64(0xFFFFFFFF)


@njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
def _mix(x: Any) -> Any:
    x ^= x >> uint64(16)
    x = (x * uint64(0x7FEB352D)) & _MASK
    x ^= x >> uint64(15)
    x = (x * uint64(0x846CA68B)) & _MASK
    return x ^ (x >> uint64(16))


@njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
def keeps(seed: Any, counter: Any, threshold: Any) -> Any:
    """Whether dropout keeps the weight numbered `counter`."""
    low = _mix((counter ^ seed) & _MASK)
    high = ((counter >> uint64(32)) + (seed >> uint64(32))) & _MASK
    return _mix((low + high) & _MASK) >= threshold
