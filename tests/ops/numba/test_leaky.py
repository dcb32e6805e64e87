"""The intrinsics of GATv2's score, at every width around those they are unrolled for, on every kind of number."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

numba = pytest.importorskip("numba")

from graphattn.ops.numba import leaky  # noqa: E402
from graphattn.ops.numba.vector import at  # noqa: E402

U = np.uint64
WIDTHS = [*range(1, 20), 31, 32, 33, 64, 65, 128, 129, 200]
EXAMPLES = {
    torch.float32: np.float32(0),
    torch.float64: np.float64(0),
    torch.float16: np.int16(0),
    torch.bfloat16: np.uint16(0),
}
GROUP, KEY_HEADS = 2, 3  # query heads of a key head, key heads
HEADS = GROUP * KEY_HEADS
SCALE, SLOPE = 0.5, 0.2


@numba.njit
def dots(scale, slope, number, stored, vector, a, b, width, sums):
    leaky.add_leaky_dots(
        scale, slope, at(vector, number), at(a, stored), U(2), at(b, stored), U(5), U(width), U(GROUP), U(KEY_HEADS),
        at(sums, number), U(4),
    )  # fmt: skip


@numba.njit
def to_queries(scale, slope, number, stored, slopes, vector, a, b, width, grads):
    leaky.add_leaky_to_queries(
        scale, slope, at(slopes, number), U(1), at(vector, number), at(a, stored), U(2), at(b, stored), U(5),
        U(width), U(GROUP), U(KEY_HEADS), at(grads, number), U(3),
    )  # fmt: skip


@numba.njit
def to_keys(scale, slope, number, stored, slopes, vector, a, b, width, grads, of_vector):
    leaky.add_leaky_to_keys(
        scale, slope, at(slopes, number), U(1), at(vector, number), at(a, stored), U(2), at(b, stored), U(5),
        U(width), U(GROUP), U(KEY_HEADS), at(grads, number), U(3), at(of_vector, number), U(6),
    )  # fmt: skip


class Drawn:
    """Rows a of queries and b of keys, the vector, and the slopes of the scores; with a zero inside here and there."""

    def __init__(self, width, dtype):
        number = torch.float64 if dtype == torch.float64 else torch.float32
        generator = torch.Generator().manual_seed(width)
        self.a, self.b, vector, slopes, *grads = (
            torch.randn(size, generator=generator, dtype=torch.float64)
            for size in (2 + HEADS * width, 5 + KEY_HEADS * width, HEADS * width, 1 + HEADS, 13, 1500, 1500)
        )
        self.a[2::7] = 0
        self.b[5:] = torch.where(self.b[5:].abs() < 0.3, 0, self.b[5:])
        self.a, self.b = self.a.to(dtype), self.b.to(dtype)
        self.vector, self.slopes = vector.to(number), slopes.to(number)
        self.sums, self.grads, self.of_vector = (grad.to(number) for grad in grads)
        self.shape = (KEY_HEADS, GROUP, width)
        self.inside = self.a[2:].double().view(self.shape) + self.b[5:].double().view(KEY_HEADS, 1, width)
        self.examples = (EXAMPLES[number], EXAMPLES[dtype])
        self.numbers = [type(EXAMPLES[number])(x) for x in (SCALE, SLOPE)]
        self.close = {"rtol": 1e-5, "atol": 500 * torch.finfo(number).eps}

    @property
    def weights(self):
        """scale · slopes, one for each query head."""
        return SCALE * self.slopes[1:].double().view(KEY_HEADS, GROUP, 1)

    @property
    def changes(self):
        """vector · leaky_relu'."""
        return self.vector.double().view(self.shape) * torch.where(self.inside > 0, 1, SLOPE)


@pytest.mark.parametrize("dtype", EXAMPLES)
@pytest.mark.parametrize("width", WIDTHS)
def test_dots(width, dtype):
    d = Drawn(width, dtype)
    want = d.sums.double()
    found = (d.vector.double().view(d.shape) * F.leaky_relu(d.inside, SLOPE)).sum(-1)
    want[4 : 4 + HEADS] += SCALE * found.flatten()
    pointers = [x.data_ptr() for x in (d.vector, d.a, d.b)]
    dots(*d.numbers, *d.examples, *pointers, width, d.sums.data_ptr())
    torch.testing.assert_close(d.sums.double(), want, **d.close)


@pytest.mark.parametrize("dtype", EXAMPLES)
@pytest.mark.parametrize("width", WIDTHS)
def test_gradient_of_queries(width, dtype):
    d = Drawn(width, dtype)
    want = d.grads.double()
    want[3 : 3 + HEADS * width] += (d.weights * d.changes).flatten()
    pointers = [x.data_ptr() for x in (d.slopes, d.vector, d.a, d.b)]
    to_queries(*d.numbers, *d.examples, *pointers, width, d.grads.data_ptr())
    torch.testing.assert_close(d.grads.double(), want, **d.close)


@pytest.mark.parametrize("dtype", EXAMPLES)
@pytest.mark.parametrize("width", WIDTHS)
def test_gradients_of_keys_and_vector(width, dtype):
    d = Drawn(width, dtype)
    keys, vectors = d.grads.double(), d.of_vector.double()
    keys[3 : 3 + KEY_HEADS * width] += (d.weights * d.changes).sum(1).flatten()
    vectors[6 : 6 + HEADS * width] += (d.weights * F.leaky_relu(d.inside, SLOPE)).flatten()
    pointers = [x.data_ptr() for x in (d.slopes, d.vector, d.a, d.b)]
    to_keys(*d.numbers, *d.examples, *pointers, width, d.grads.data_ptr(), d.of_vector.data_ptr())
    torch.testing.assert_close(d.grads.double(), keys, **d.close)
    torch.testing.assert_close(d.of_vector.double(), vectors, **d.close)
