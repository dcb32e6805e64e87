"""The dropout hash of `graphattn.ops.random`, for kernels."""

from numba import uint64

from graphattn.ops.numba.helper import shared

_MASK = uint64(0xFFFFFFFF)


@shared
def _mix(x):
    x ^= x >> uint64(16)
    x = (x * uint64(0x7FEB352D)) & _MASK
    x ^= x >> uint64(15)
    x = (x * uint64(0x846CA68B)) & _MASK
    return x ^ (x >> uint64(16))


@shared
def keeps(seed, counter, threshold):
    """Whether dropout keeps the weight numbered `counter`."""
    low = _mix((counter ^ seed) & _MASK)
    high = ((counter >> uint64(32)) + (seed >> uint64(32))) & _MASK
    return _mix((low + high) & _MASK) >= threshold
