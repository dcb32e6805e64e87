"""Products of small matrices, at every width around those of its blocks."""

import numpy as np
import pytest
import torch

numba = pytest.importorskip("numba")

from graphattn.ops.numba.product import add_product  # noqa: E402
from graphattn.ops.numba.vector import at  # noqa: E402

U = np.uint64
EXAMPLES = {torch.float32: np.float32(0), torch.float64: np.float64(0)}


@numba.njit
def product(like, x, row_step, step, w, c, rows, size, width):
    add_product(at(x, like), U(row_step), U(step), at(w, like), at(c, like), U(rows), U(size), U(width))


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
        product(EXAMPLES[dtype], x.data_ptr(), *steps, w.data_ptr(), guarded.data_ptr(), rows, size, width)
        eps = 64 * torch.finfo(dtype).eps
        torch.testing.assert_close(guarded[: rows * width].view(c.shape).double(), want, rtol=eps, atol=eps)
        assert (guarded[rows * width :] == 7).all()
