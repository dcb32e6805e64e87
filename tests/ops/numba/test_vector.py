"""The vector intrinsics, at every width around those they are unrolled for, on every kind of number."""

import numpy as np
import pytest
import torch

numba = pytest.importorskip("numba")

from graphattn.ops.numba import vector  # noqa: E402

U = np.uint64
WIDTHS = [*range(40), 63, 64, 65, 96, 127, 128, 129, 200, 300]
EXAMPLES = {
    torch.float32: np.float32(0),
    torch.float64: np.float64(0),
    torch.float16: np.int16(0),
    torch.bfloat16: np.uint16(0),
}


@numba.njit
def add_dots(scale, a, a_like, i, a_step, b, b_like, j, b_step, width, heads, sums, sums_like, y):
    at = vector.at
    vector.add_dots(
        scale, at(a, a_like), U(i), U(a_step), at(b, b_like), U(j), U(b_step), U(width), U(heads),
        at(sums, sums_like), U(y),
    )  # fmt: skip


@numba.njit
def add_scaled(scale, weights, y, like, a, a_like, i, a_step, b, j, b_step, width, heads):
    at = vector.at
    vector.add_scaled(
        scale, at(weights, like), U(y), at(a, a_like), U(i), U(a_step), at(b, like), U(j), U(b_step), U(width), U(heads)
    )


@numba.njit
def plus(a, a_like, i, b, b_like, j, sums, sums_like, y, width):
    vector.plus(
        vector.at(a, a_like), U(i), vector.at(b, b_like), U(j), vector.at(sums, sums_like), U(y), U(width)
    )


@numba.njit
def prefetch(a, like, width):
    vector.prefetch(vector.at(a, like), U(1), U(width))


def drawn(seed, *sizes, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(size, generator=generator, dtype=torch.float64).to(dtype) for size in sizes]


@pytest.mark.parametrize("dtype", EXAMPLES)
@pytest.mark.parametrize("width", WIDTHS)
def test_add_dots(width, dtype):
    number = torch.float64 if dtype == torch.float64 else torch.float32
    heads, like = 3, EXAMPLES[number]
    a, b = drawn(width, 1000, 1000, dtype=dtype)
    (sums,) = drawn(1, 9, dtype=number)
    want = sums.double()
    for h in range(heads):
        left, right = a[2 + 310 * h :][:width], b[5 + 301 * h :][:width]
        want[4 + h] += 0.5 * (left.double() @ right.double())
    add_dots(
        type(like)(0.5), a.data_ptr(), EXAMPLES[dtype], 2, 310, b.data_ptr(), EXAMPLES[dtype], 5, 301, width, heads,
        sums.data_ptr(), like, 4,
    )  # fmt: skip
    torch.testing.assert_close(sums.double(), want, rtol=1e-5, atol=200 * torch.finfo(number).eps)


@pytest.mark.parametrize("dtype", EXAMPLES)
@pytest.mark.parametrize("width", WIDTHS)
def test_add_scaled_touches_what_it_should_and_no_more(width, dtype):
    number = torch.float64 if dtype == torch.float64 else torch.float32
    like = EXAMPLES[number]
    (a,), (weights, b) = drawn(width, 1000, dtype=dtype), drawn(2, 5, 1000, dtype=number)
    want = b.double()
    for h in range(2):
        want[7 + 320 * h :][:width] += 0.5 * weights[1 + h].double() * a[3 + 305 * h :][:width].double()
    before = b.clone()
    add_scaled(
        type(like)(0.5), weights.data_ptr(), 1, like, a.data_ptr(), EXAMPLES[dtype], 3, 305, b.data_ptr(), 7, 320,
        width, 2,
    )  # fmt: skip
    eps = torch.finfo(number).eps
    torch.testing.assert_close(b.double(), want, rtol=4 * eps, atol=8 * eps)
    untouched = torch.ones(1000, dtype=torch.bool)
    untouched[7 : 7 + width] = untouched[327 : 327 + width] = False
    assert torch.equal(b[untouched], before[untouched])


def test_a_step_of_zero_adds_all_heads_to_one_row():
    a, b, weights = torch.ones(6), torch.zeros(3), torch.tensor([1.0, 10.0])
    add_scaled(
        np.float32(1), weights.data_ptr(), 0, np.float32(0), a.data_ptr(), np.float32(0), 0, 3, b.data_ptr(), 0, 0, 3, 2
    )
    assert b.tolist() == [11.0, 11.0, 11.0]


@pytest.mark.parametrize("dtype", EXAMPLES)
@pytest.mark.parametrize("width", WIDTHS)
def test_plus(width, dtype):
    number = torch.float64 if dtype == torch.float64 else torch.float32
    a, b = drawn(width, 310, 310, dtype=dtype)
    sums = torch.zeros(310, dtype=number)
    plus(
        a.data_ptr(), EXAMPLES[dtype], 3, b.data_ptr(), EXAMPLES[dtype], 5, sums.data_ptr(), EXAMPLES[number], 1, width
    )
    want = torch.zeros(310, dtype=number)
    want[1 : 1 + width] = a[3 : 3 + width].to(number) + b[5 : 5 + width].to(number)
    assert torch.equal(sums, want)


@pytest.mark.parametrize("width", [0, 1, 100])
def test_prefetch_changes_nothing(width):
    a = torch.arange(101.0)
    prefetch(a.data_ptr(), np.float32(0), width)
    assert torch.equal(a, torch.arange(101.0))


def test_vector_width_is_one_that_processors_have():
    assert vector.vector_bytes() in (16, 32, 64)
