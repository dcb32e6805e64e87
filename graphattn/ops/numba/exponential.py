"""exp and tanh for float32 as plain arithmetic, so that a loop over them becomes vector instructions."""

import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

from graphattn.ops.numba.jit import HELPER
from graphattn.ops.numba.vector import float_from_bits

_LOWEST = np.float32(-87.33654)  # exp of anything below is under the smallest normal number
_HIGHEST = np.float32(88.72283)
_LOG2_E = np.float32(1.44269504)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_P0, _P1, _P2 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
_P3, _P4, _P5 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)
_FLAT = np.float32(10)  # from here on tanh rounds to one
_ONE, _ZERO, _HALF = np.float32(1), np.float32(0), np.float32(0.5)


@njit(**HELPER, fastmath={"contract"})
def _reduced(x: Any) -> Any:
    """n and e^r − 1 of x = n·ln 2 + r, the latter by Cephes' polynomial for expf (Moshier 1992)."""
    n = np.floor(x * _LOG2_E + _HALF)
    r = x - n * _LN2_HIGH - n * _LN2_LOW
    series = ((((_P0 * r + _P1) * r + _P2) * r + _P3) * r + _P4) * r + _P5
    return n, series * r * r + r


@njit(**HELPER, fastmath={"contract"})
def _exp32(x: Any) -> Any:
    """2^n e^r, the power by its bits; within 2 ulp."""
    inside = x if x > _LOWEST else _LOWEST  # also NaN, put right at the end
    inside = inside if inside < _HIGHEST else _HIGHEST
    n, fraction = _reduced(inside)
    half_power = np.int32(n) >> np.int32(1)
    rest = np.int32(n) - half_power  # 2^128 has no float32: two factors
    value = (fraction + _ONE) * float_from_bits(np.int32((half_power + np.int32(127)) << np.int32(23)))
    value = value * float_from_bits(np.int32((rest + np.int32(127)) << np.int32(23)))
    value = _ZERO if x < _LOWEST else value
    value = np.float32(np.inf) if x > _HIGHEST else value
    return x if x != x else value


@njit(**HELPER, fastmath={"contract"})
def _tanh32(x: Any) -> Any:
    """−m / (2 + m) with m = e^(−2|x|) − 1, which keeps the digits of a small x; within 4 ulp."""
    size = abs(x)
    n, fraction = _reduced(np.float32(-2) * (size if size < _FLAT else _FLAT))
    power = float_from_bits(np.int32((np.int32(n) + np.int32(127)) << np.int32(23)))
    below_one = fraction * power + (power - _ONE)
    value = (_ZERO - below_one) / (_ONE + _ONE + below_one)
    value = -value if x < _ZERO else value
    return x if x != x else value


def exp(x: float) -> float:
    """e^x in the precision of x (for kernels)."""
    return math.exp(x)


@overload(exp, jit_options={**HELPER, "fastmath": {"contract"}})
def _exp_overload(x):  # type: ignore[no-untyped-def]  # Numba compares the two signatures, annotations too
    if x == types.float32:
        return lambda x: _exp32(x)
    if x == types.float64:
        return lambda x: math.exp(x)
    return None


def tanh(x: float) -> float:
    """tanh x in the precision of x (for kernels)."""
    return math.tanh(x)


@overload(tanh, jit_options={**HELPER, "fastmath": {"contract"}})
def _tanh_overload(x):  # type: ignore[no-untyped-def]
    if x == types.float32:
        return lambda x: _tanh32(x)
    if x == types.float64:
        return lambda x: math.tanh(x)
    return None
