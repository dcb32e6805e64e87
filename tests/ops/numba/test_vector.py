"""The vector intrinsics, at every length around the widths they are unrolled for."""

import numpy as np
import pytest

numba = pytest.importorskip("numba")

from graphattn.ops.numba import vector  # noqa: E402

LENGTHS = [*range(40), 63, 64, 65, 96, 127, 128, 129, 200]


@numba.njit
def dot(a, i, b, j, n):
    return vector.dot(a, np.uint64(i), b, np.uint64(j), np.uint64(n))


@numba.njit
def axpy(weight, x, i, y, j, n):
    vector.axpy(weight, x, np.uint64(i), y, np.uint64(j), np.uint64(n))


@numba.njit
def prefetch(a):
    vector.prefetch(a, np.uint64(0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", LENGTHS)
def test_dot(n, dtype):
    a, b = np.random.default_rng(n).normal(size=(2, 210)).astype(dtype)
    want = a[3 : 3 + n].astype(np.float64) @ b[5 : 5 + n].astype(np.float64)
    assert dot(a, 3, b, 5, n) == pytest.approx(want, rel=1e-4, abs=float(40 * np.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", LENGTHS)
def test_axpy_touches_what_it_should_and_no_more(n, dtype):
    x, y = np.random.default_rng(n).normal(size=(2, 210)).astype(dtype)
    want = y.copy()
    want[5 : 5 + n] += dtype(0.7) * x[3 : 3 + n]
    axpy(dtype(0.7), x, 3, y, 5, n)
    np.testing.assert_allclose(y, want, rtol=4 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps)
    outside = np.r_[0:5, 5 + n : 210]
    assert np.array_equal(y[outside], want[outside])


def test_prefetch_changes_nothing():
    a = np.arange(4.0)
    prefetch(a)
    assert np.array_equal(a, np.arange(4.0))


def test_vector_width_is_one_that_processors_have():
    assert vector.vector_bytes() in (16, 32, 64)
