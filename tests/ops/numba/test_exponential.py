import numpy as np
import pytest

numba = pytest.importorskip("numba")

from graphattn.ops.numba.exponential import exp, tanh  # noqa: E402


@numba.njit
def apply(x, out):
    for i in range(x.size):
        out[i] = exp(x[i])


def of(x):
    out = np.empty_like(x)
    apply(x, out)
    return out


def test_within_two_units_in_the_last_place():
    x = np.linspace(-87, 88.7, 1_000_003).astype(np.float32)
    want = np.exp(x.astype(np.float64))
    assert np.max(np.abs(of(x) - want) / want) <= 2 * 2**-23


def test_special_values():
    x = np.array([-np.inf, -200, 0, 89, np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(of(x), np.array([0, 0, 1, np.inf, np.inf, np.nan], np.float32))


def test_float64_is_the_library_function():
    x = np.array([-745.0, -1.5, 0.0, 2.5, 700.0])
    np.testing.assert_allclose(of(x), np.exp(x), rtol=1e-15)


@numba.njit
def apply_tanh(x, out):
    for i in range(x.size):
        out[i] = tanh(x[i])


def tanh_of(x):
    out = np.empty_like(x)
    apply_tanh(x, out)
    return out


def test_tanh_is_within_four_units_in_the_last_place_also_near_zero():
    positive = np.concatenate([np.linspace(0, 12, 300_001)[1:], np.logspace(-37, 0, 10_001)])
    x = np.concatenate([-positive, positive]).astype(np.float32)
    want = np.tanh(x.astype(np.float64))
    assert np.max(np.abs((tanh_of(x) - want) / want)) <= 4 * 2**-23


def test_special_values_of_tanh():
    x = np.array([-np.inf, -30, 0, 30, np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(tanh_of(x), np.array([-1, -1, 0, 1, 1, np.nan], np.float32))


def test_tanh_in_float64_is_the_library_function():
    x = np.array([-3.0, -1e-9, 0.0, 0.5, 20.0])
    np.testing.assert_allclose(tanh_of(x), np.tanh(x), rtol=1e-15)
