"""Arithmetic on short runs of numbers, at every length around those that are one instruction."""

import numpy as np
import pytest

numba = pytest.importorskip("numba")

from graphattn.ops.numba import elementwise  # noqa: E402
from graphattn.ops.numba.vector import numbers_of  # noqa: E402

U = np.uint64
LENGTHS = [*range(20), 31, 32, 33]
SPECIAL = [np.nan, -np.inf, np.inf, 0.0, -0.0]


def compiled(function):
    @numba.njit
    def run(x, y, a, i, n):
        function(numbers_of(x), U(y), numbers_of(a), U(i), U(n))

    return run


def larger(x, a):
    return np.where(np.isnan(a) | (a > x), a, x)


FUNCTIONS = {
    "copy": lambda x, a: a,
    "add": lambda x, a: x + a,
    "subtract": lambda x, a: x - a,
    "multiply": lambda x, a: x * a,
    "keep_larger": larger,
    "copy_lse": lambda x, a: np.where(a == -np.inf, np.inf, a),
}


def drawn(dtype):
    generator = np.random.default_rng(0)
    x, a = generator.standard_normal((2, 60)).astype(dtype)
    x[5:10], a[10:20:2] = SPECIAL, SPECIAL
    return x, a


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_in_place(name, dtype):
    run = compiled(getattr(elementwise, name))
    for length in LENGTHS:
        x, a = drawn(dtype)
        want = x.copy()
        with np.errstate(invalid="ignore"):
            want[3 : 3 + length] = FUNCTIONS[name](x[3 : 3 + length], a[7 : 7 + length])
        run(x, 3, a, 7, length)
        np.testing.assert_array_equal(x, want)


@numba.njit
def set_to(x, y, value, n):
    elementwise.set_to(numbers_of(x), U(y), value, U(n))


@numba.njit
def leaky_relu(x, y, a, i, n, scale, slope):
    elementwise.leaky_relu(numbers_of(x), U(y), numbers_of(a), U(i), U(n), scale, slope)


@numba.njit
def multiply_leaky_slope(x, y, a, i, n, scale, slope):
    elementwise.multiply_leaky_slope(numbers_of(x), U(y), numbers_of(a), U(i), U(n), scale, slope)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("length", LENGTHS)
def test_one_value(length, dtype):
    x, _ = drawn(dtype)
    want = x.copy()
    want[3 : 3 + length] = 0.5
    set_to(x, 3, dtype(0.5), length)
    np.testing.assert_array_equal(x, want)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("length", LENGTHS)
def test_leaky_relu_and_its_slope(length, dtype):
    scale, slope = dtype(0.5), dtype(0.2)
    x, a = drawn(dtype)
    value, grown = x.copy(), x.copy()
    inside, here = a[7 : 7 + length], slice(3, 3 + length)
    value[here] = scale * np.where(inside < 0, slope * inside, inside)
    grown[here] *= np.where(inside > 0, scale, scale * slope)  # zero counts as below, as in PyTorch
    first, second = x.copy(), x.copy()
    leaky_relu(first, 3, a, 7, length, scale, slope)
    multiply_leaky_slope(second, 3, a, 7, length, scale, slope)
    np.testing.assert_array_equal(first, value)
    np.testing.assert_array_equal(second, grown)
