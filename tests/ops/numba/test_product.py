"""Products of small matrices, at every width around those of its blocks."""

import numpy as np
import pytest
import torch

numba = pytest.importorskip("numba")

from graphattn.ops.numba.product import add_by_head, add_outer_by_head, add_product  # noqa: E402
from graphattn.ops.numba.vector import at  # noqa: E402

U = np.uint64
EXAMPLES = {torch.float32: np.float32(0), torch.float64: np.float64(0)}


@numba.njit
def product(like, x, row_step, step, w, w_step, c, c_step, rows, size, width):
    add_product(
        at(x, like), U(row_step), U(step), at(w, like), U(w_step), at(c, like), U(c_step), U(rows), U(size), U(width)
    )


@numba.njit
def product_by_head(like, x, i, w, c, j, rows, heads, size, width):
    add_by_head(at(x, like), U(i), at(w, like), at(c, like), U(j), U(rows), U(heads), U(size), U(width))


@numba.njit
def outer_product_by_head(like, x, i, y, j, w, rows, heads, size, width):
    add_outer_by_head(at(x, like), U(i), at(y, like), U(j), at(w, like), U(rows), U(heads), U(size), U(width))


@pytest.mark.parametrize("dtype", EXAMPLES)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("width", [0, 1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 64, 100])
def test_product(width, turned, dtype):
    for rows, size in ((1, 1), (7, 3), (8, 16), (13, 5), (32, 0)):
        drawn = torch.Generator().manual_seed(rows)
        x, w, c = (
            torch.randn(shape, generator=drawn, dtype=torch.float64).to(dtype)
            for shape in ((size, rows) if turned else (rows, size), (size, width), (rows, width))
        )
        want = c.double() + (x.mT if turned else x).double() @ w.double()
        guarded = torch.cat([c.flatten(), torch.full((64,), 7.0, dtype=dtype)])
        steps = (1, rows) if turned else (size, 1)
        product(
            EXAMPLES[dtype], x.data_ptr(), *steps, w.data_ptr(), width, guarded.data_ptr(), width, rows, size, width
        )
        eps = 64 * torch.finfo(dtype).eps
        torch.testing.assert_close(guarded[: rows * width].view(c.shape).double(), want, rtol=eps, atol=eps)
        assert (guarded[rows * width :] == 7).all()


@pytest.mark.parametrize("dtype", EXAMPLES)
@pytest.mark.parametrize(("heads", "size", "width"), [(1, 1, 1), (3, 5, 7), (8, 16, 16), (2, 17, 33)])
def test_product_by_head(heads, size, width, dtype):
    rows, like = 11, EXAMPLES[dtype]
    x, w, y = (
        torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(5)).to(dtype)
        for shape in ((2 + rows, heads, size), (heads, size, width), (3 + rows, heads, width))
    )
    eps = 64 * torch.finfo(dtype).eps
    found = y.clone()
    product_by_head(like, x.data_ptr(), 2, w.data_ptr(), found.data_ptr(), 3, rows, heads, size, width)
    want = y.double()
    want[3:] += torch.einsum("nhs,hsw->nhw", x[2:].double(), w.double())
    torch.testing.assert_close(found.double(), want, rtol=eps, atol=eps)
    found = w.clone()
    outer_product_by_head(like, x.data_ptr(), 2, y.data_ptr(), 3, found.data_ptr(), rows, heads, size, width)
    want = w.double() + torch.einsum("nhs,nhw->hsw", x[2:].double(), y[3:].double())
    torch.testing.assert_close(found.double(), want, rtol=eps, atol=eps)
