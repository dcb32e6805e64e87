"""Is the mean of independent draws what it should be? Judged by its standard error, not by a tolerance."""

import torch
from torch import Tensor

LUCK = 6.0  # standard errors; a right mean is further away once in 500 million draws of the test
WRONG = 12.0  # so far away a wrong one must be, so that luck cannot hide it either


def assert_mean(draws: Tensor, expected: Tensor | float, *, rather_than: Tensor | float | None = None) -> None:
    """Assert that draws `[n, ...]`, independent along the first dimension, have the expectation `expected`, `[...]`.

    Where `rather_than` is given, assert that there are draws enough to tell the two apart.
    """
    draws = draws.double()
    mean, error = draws.mean(0), (draws.std(0) / len(draws) ** 0.5).clamp(min=1e-30)
    rounding = 1e-6 * draws.abs().amax(0)  # of what was computed in float32
    expected = torch.as_tensor(expected, dtype=torch.float64)
    distance = (mean - expected).abs()
    assert (distance <= LUCK * error + rounding).all(), f"{mean} is {distance / error} standard errors from {expected}"
    if rather_than is not None:
        apart = (mean - torch.as_tensor(rather_than, dtype=torch.float64)).abs() / error
        assert apart.max() > WRONG, f"too few draws: {mean} is {apart} standard errors from {rather_than}"
