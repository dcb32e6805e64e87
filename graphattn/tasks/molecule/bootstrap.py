"""Where a measure falls in resamples of the molecules (bootstrap)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000


def resampled(measure: Callable[[NDArray[np.int64]], NDArray[np.float64]], count: int) -> NDArray[np.float64]:
    """Return measures of `RESAMPLES` samples of `count` molecules, drawn with replacement, `[resamples, …]`.

    The samples are the same every time.

    Args:
        measure: takes positions of molecules, `[count]`, and returns one measure or several; NaN where it is not
            defined.
        count: number of molecules.

    Reference: Efron and Tibshirani 1993, An Introduction to the Bootstrap.
    """
    generator = np.random.default_rng(0)
    return np.stack([measure(generator.integers(count, size=count)) for _ in range(RESAMPLES)])


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 2.5 and 97.5 percentiles of the values that are known; NaN where none is."""
    known = values[~np.isnan(values)]
    if not known.size:
        return np.nan, np.nan
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
