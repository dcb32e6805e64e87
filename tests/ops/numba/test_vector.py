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
def add_dots(scale, a, a_like, i, b, b_like, j, width, group, key_heads, sums, sums_like, y):
    vector.add_dots(
        scale, vector.at(a, a_like), U(i), vector.at(b, b_like), U(j), U(width), U(group), U(key_heads),
        vector.at(sums, sums_like), U(y),
    )  # fmt: skip


@numba.njit
def add_to_queries(scale, weights, y, like, a, i, b, b_like, j, width, group, key_heads):
    vector.add_to_queries(
        scale, vector.at(weights, like), U(y), vector.at(a, like), U(i), vector.at(b, b_like), U(j), U(width), U(group),
        U(key_heads),
    )  # fmt: skip


@numba.njit
def add_to_keys(scale, weights, y, like, a, a_like, i, b, j, width, group, key_heads):
    vector.add_to_keys(
        scale, vector.at(weights, like), U(y), vector.at(a, a_like), U(i), vector.at(b, like), U(j), U(width), U(group),
        U(key_heads),
    )  # fmt: skip


@numba.njit
def plus(a, a_like, i, b, b_like, j, sums, sums_like, y, width, group, key_heads):
    vector.plus(
        vector.at(a, a_like), U(i), vector.at(b, b_like), U(j), vector.at(sums, sums_like), U(y), U(width), U(group),
        U(key_heads),
    )  # fmt: skip


@numba.njit
def prefetch(a, like, width):
    vector.prefetch(vector.at(a, like), U(1), U(width))


GROUP, KEY_HEADS = 2, 3  # query heads of a key head, key heads
HEADS = GROUP * KEY_HEADS
SIZE = 2000


def wide(dtype):
    return torch.float64 if dtype == torch.float64 else torch.float32


def drawn(seed, *sizes, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(size, generator=generator, dtype=torch.float64).to(dtype) for size in sizes]


def query_rows(a, start, width):
    """As `[key heads, group, width]`, a view."""
    return a[start : start + HEADS * width].view(KEY_HEADS, GROUP, width)


def key_rows(b, start, width):
    """As `[key heads, 1, width]`, a view."""
    return b[start : start + KEY_HEADS * width].view(KEY_HEADS, 1, width)


def assert_only_changed(after, before, start, stop):
    assert torch.equal(after[:start], before[:start])
    assert torch.equal(after[stop:], before[stop:])


@pytest.mark.parametrize("dtype", EXAMPLES)
@pytest.mark.parametrize("width", WIDTHS)
def test_add_dots(width, dtype):
    number, like = wide(dtype), EXAMPLES[wide(dtype)]
    a, b = drawn(width, SIZE, SIZE, dtype=dtype)
    (sums,) = drawn(1, 13, dtype=number)
    before, want = sums.clone(), sums.double()
    want[4 : 4 + HEADS] += 0.5 * (query_rows(a, 2, width).double() * key_rows(b, 5, width).double()).sum(-1).flatten()
    add_dots(
        type(like)(0.5), a.data_ptr(), EXAMPLES[dtype], 2, b.data_ptr(), EXAMPLES[dtype], 5, width, GROUP, KEY_HEADS,
        sums.data_ptr(), like, 4,
    )  # fmt: skip
    torch.testing.assert_close(sums.double(), want, rtol=1e-5, atol=300 * torch.finfo(number).eps)
    assert_only_changed(sums, before, 4, 4 + HEADS)


@pytest.mark.parametrize("dtype", EXAMPLES)
@pytest.mark.parametrize("heads", [1, 4, 5, 8])
@pytest.mark.parametrize("width", [1, 2, 4, 5, 8, 16, 32, 64, 100, 128])
def test_add_dots_of_heads_by_fours(width, heads, dtype):
    number, like = wide(dtype), EXAMPLES[wide(dtype)]
    a, b = drawn(width, SIZE, SIZE, dtype=dtype)
    (sums,) = drawn(1, 13, dtype=number)
    before, want = sums.clone(), sums.double()
    left, right = (x[3 : 3 + heads * width].double().view(heads, width) for x in (a, b))
    want[4 : 4 + heads] += 0.5 * (left * right).sum(-1)
    add_dots(
        type(like)(0.5), a.data_ptr(), EXAMPLES[dtype], 3, b.data_ptr(), EXAMPLES[dtype], 3, width, 1, heads,
        sums.data_ptr(), like, 4,
    )  # fmt: skip
    torch.testing.assert_close(sums.double(), want, rtol=1e-5, atol=300 * torch.finfo(number).eps)
    assert_only_changed(sums, before, 4, 4 + heads)


@pytest.mark.parametrize("dtype", EXAMPLES)
@pytest.mark.parametrize("width", WIDTHS)
def test_add_to_queries(width, dtype):
    number, like = wide(dtype), EXAMPLES[wide(dtype)]
    (b,), (weights, a) = drawn(width, SIZE, dtype=dtype), drawn(2, 1 + HEADS, SIZE, dtype=number)
    before, want = a.clone(), a.double()
    each = 0.5 * weights[1:].double().view(KEY_HEADS, GROUP, 1) * key_rows(b, 3, width).double()
    query_rows(want, 7, width).add_(each)
    add_to_queries(
        type(like)(0.5), weights.data_ptr(), 1, like, a.data_ptr(), 7, b.data_ptr(), EXAMPLES[dtype], 3, width, GROUP,
        KEY_HEADS,
    )  # fmt: skip
    eps = torch.finfo(number).eps
    torch.testing.assert_close(a.double(), want, rtol=4 * eps, atol=8 * eps)
    assert_only_changed(a, before, 7, 7 + HEADS * width)


@pytest.mark.parametrize("dtype", EXAMPLES)
@pytest.mark.parametrize("width", WIDTHS)
def test_add_to_keys(width, dtype):
    number, like = wide(dtype), EXAMPLES[wide(dtype)]
    (a,), (weights, b) = drawn(width, SIZE, dtype=dtype), drawn(2, 1 + HEADS, SIZE, dtype=number)
    before, want = b.clone(), b.double()
    each = 0.5 * weights[1:].double().view(KEY_HEADS, GROUP, 1) * query_rows(a, 3, width).double()
    key_rows(want, 7, width).add_(each.sum(1, keepdim=True))
    add_to_keys(
        type(like)(0.5), weights.data_ptr(), 1, like, a.data_ptr(), EXAMPLES[dtype], 3, b.data_ptr(), 7, width, GROUP,
        KEY_HEADS,
    )  # fmt: skip
    eps = torch.finfo(number).eps
    torch.testing.assert_close(b.double(), want, rtol=4 * eps, atol=16 * eps)
    assert_only_changed(b, before, 7, 7 + KEY_HEADS * width)


@pytest.mark.parametrize("dtype", EXAMPLES)
@pytest.mark.parametrize("width", WIDTHS)
def test_plus(width, dtype):
    number = wide(dtype)
    a, b = drawn(width, SIZE, SIZE, dtype=dtype)
    sums = torch.zeros(SIZE, dtype=number)
    plus(
        a.data_ptr(), EXAMPLES[dtype], 3, b.data_ptr(), EXAMPLES[dtype], 5, sums.data_ptr(), EXAMPLES[number], 1,
        width, GROUP, KEY_HEADS,
    )  # fmt: skip
    want = torch.zeros(SIZE, dtype=number)
    query_rows(want, 1, width).copy_(query_rows(a, 3, width).to(number) + key_rows(b, 5, width).to(number))
    assert torch.equal(sums, want)


@pytest.mark.parametrize("width", [0, 1, 100])
def test_prefetch_changes_nothing(width):
    a = torch.arange(101.0)
    prefetch(a.data_ptr(), np.float32(0), width)
    assert torch.equal(a, torch.arange(101.0))


def test_vector_width_is_one_that_processors_have():
    assert vector.vector_bytes() in (16, 32, 64)
