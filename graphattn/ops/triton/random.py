"""The dropout hash of `graphattn.ops.random`, for kernels."""

import triton
import triton.language as tl


@triton.jit
def _mix(x):
    x = x ^ (x >> 16)
    x = x * 0x7FEB352D
    x = x ^ (x >> 15)
    x = x * 0x846CA68B
    return x ^ (x >> 16)


@triton.jit
def keeps(seed, place, head, threshold, H: tl.constexpr):
    """`[R, S, heads]`: whether dropout keeps the weight of each head on the edge at each place `[R, S]`."""
    return keeps_numbered(seed, place.to(tl.int64)[:, :, None] * H + head[None, None, :], threshold)


@triton.jit
def keeps_numbered(seed, counter, threshold):
    """Whether dropout keeps each weight; that of a head on the edge at a place has the number place · H + head."""
    low = _mix((counter ^ seed).to(tl.uint32))
    high = ((counter >> 32) + (seed >> 32)).to(tl.uint32)
    return _mix(low + high) >= threshold
