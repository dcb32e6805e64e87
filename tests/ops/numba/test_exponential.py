import numpy as np
import pytest

numba = pytest.importorskip("numba")

from graphattn.ops.numba.exponential import exp, log, tanh  # noqa: E402


def over_arrays(function):
    @numba.njit
    def apply(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def of(x):
        out = np.empty_like(x)
        apply(x, out)
        return out

    return of


of, log_of, tanh_of = map(over_arrays, (exp, log, tanh))


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


def test_log_within_two_units_in_the_last_place():
    near_one = 1 + np.linspace(-0.4, 0.5, 300_001)
    everywhere = 2.0 ** np.linspace(-125, 127.9, 700_001)
    x = np.concatenate([near_one, everywhere]).astype(np.float32)
    want = np.log(x.astype(np.float64))
    assert np.max(np.abs(log_of(x) - want) / np.maximum(np.abs(want), 2**-126)) <= 2 * 2**-23


def test_log_of_special_values():
    x = np.array([0, 1, np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(log_of(x), np.array([-np.inf, 0, np.inf, np.nan], np.float32))


def test_log_in_float64_is_the_library_function():
    x = np.array([0.0, 1e-300, 0.5, 1.0, 2.5, 1e300])
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(log_of(x), np.log(x), rtol=1e-15)
