"""exp, log and tanh for float32 as plain arithmetic, so that a loop over them becomes vector instructions."""

import math

import numpy as np
from numba import njit, types
from numba.extending import overload

from graphattn.ops.numba.helper import HELPER
from graphattn.ops.numba.vector import bits_of_float, float_from_bits

_LOWEST = np.float32(-87.33654)  # exp of anything below is under the smallest normal number
_HIGHEST = np.float32(88.72283)
_LOG2_E = np.float32(1.44269504)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_P0, _P1, _P2 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
_P3, _P4, _P5 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)
_L0, _L1, _L2 = np.float32(7.0376836292e-2), np.float32(-1.1514610310e-1), np.float32(1.1676998740e-1)
_L3, _L4, _L5 = np.float32(-1.2420140846e-1), np.float32(1.4249322787e-1), np.float32(-1.6668057665e-1)
_L6, _L7, _L8 = np.float32(2.0000714765e-1), np.float32(-2.4999993993e-1), np.float32(3.3333331174e-1)
_SQRT_HALF = np.float32(0.707106781186547524)
_FLAT = np.float32(10)  # from here on tanh rounds to one
_ONE, _ZERO, _HALF = np.float32(1), np.float32(0), np.float32(0.5)


@njit(**HELPER, fastmath={"contract"})
def _reduced(x):
    """n and e^r − 1 of x = n·ln 2 + r, the latter by Cephes' polynomial for expf (Moshier 1992)."""
    n = np.floor(x * _LOG2_E + _HALF)
    r = x - n * _LN2_HIGH - n * _LN2_LOW
    series = ((((_P0 * r + _P1) * r + _P2) * r + _P3) * r + _P4) * r + _P5
    return n, series * r * r + r


@njit(**HELPER, fastmath={"contract"})
def _exp32(x):
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
def _log32(x):
    """e·ln 2 + ln m of x = 2^e m, the latter by Cephes' polynomial for logf; within 2 ulp."""
    bits = bits_of_float(x)
    e = np.float32((bits >> np.int32(23)) - np.int32(126))
    m = float_from_bits((bits & np.int32(0x007FFFFF)) | np.int32(0x3F000000))  # in [1/2, 1)
    small = m < _SQRT_HALF
    e = e - _ONE if small else e
    m = m + m - _ONE if small else m - _ONE
    series = ((((_L0 * m + _L1) * m + _L2) * m + _L3) * m + _L4) * m + _L5
    series = ((series * m + _L6) * m + _L7) * m + _L8
    square = m * m
    tail = series * m * square + e * _LN2_LOW - _HALF * square
    value = (m + tail) + e * _LN2_HIGH
    value = x if x == np.float32(np.inf) else value
    value = -np.float32(np.inf) if x == _ZERO else value
    return x if x != x else value


@njit(**HELPER, fastmath={"contract"})
def _tanh32(x):
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
def _exp_overload(x):  # Numba compares the two signatures, annotations too
    if x == types.float32:
        return lambda x: _exp32(x)
    if x == types.float64:
        return lambda x: math.exp(x)
    return None


def log(x: float) -> float:
    """ln x in the precision of x, which is zero or at least the smallest normal number (for kernels)."""
    return math.log(x)


@overload(log, jit_options={**HELPER, "fastmath": {"contract"}})
def _log_overload(x):
    if x == types.float32:
        return lambda x: _log32(x)
    if x == types.float64:
        return lambda x: np.log(x)
    return None


def tanh(x: float) -> float:
    """tanh x in the precision of x (for kernels)."""
    return math.tanh(x)


@overload(tanh, jit_options={**HELPER, "fastmath": {"contract"}})
def _tanh_overload(x):
    if x == types.float32:
        return lambda x: _tanh32(x)
    if x == types.float64:
        return lambda x: math.tanh(x)
    return None
