"""Numbers of any size and unit, brought to a common scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class NumberScaler:
    """Numbers with median 0 and interquartile range 1, smoothly kept within ±3; gaps become 0 and are flagged.

        z = s / √(1 + (s / 3)²),   s = (x − median) / range

    The range is that between the quartiles, or half of that between the extremes where the quartiles agree.
    Holzmüller et al. 2024, arXiv:2407.04491, section 3. A column of zeros and ones stays as it is.
    """

    median: Array
    spread: Array
    gaps: NDArray[np.bool_]

    @classmethod
    def fit(cls, x: Array) -> NumberScaler:
        """Fit on `[n, F]`, NaN where a number is missing."""
        gaps: NDArray[np.bool_] = np.asarray(np.isnan(x).any(axis=0))
        known = ~np.isnan(x).all(axis=0) if len(x) else np.zeros(x.shape[1], dtype=bool)
        median, spread = np.zeros(x.shape[1]), np.ones(x.shape[1])
        if known.any():
            low, middle, high, least, most = np.nanpercentile(x[:, known], [25, 50, 75, 0, 100], axis=0)
            scale = np.where(high > low, high - low, (most - least) / 2)
            binary = np.all(np.isnan(x[:, known]) | (x[:, known] == 0) | (x[:, known] == 1), axis=0)
            median[known] = np.where(binary, 0.0, middle)
            spread[known] = np.where(binary | (scale <= 0), 1.0, scale)
        return cls(median, spread, gaps)

    def transform(self, x: Array) -> Array:
        """Return `[n, F + columns with gaps]`."""
        scaled = (x - self.median) / self.spread
        is_scaled = (self.median != 0) | (self.spread != 1)
        kept = np.where(is_scaled, scaled / np.sqrt(1 + (scaled / 3) ** 2), scaled)
        missing = np.isnan(x)
        return np.concatenate([np.where(missing, 0.0, kept), missing[:, self.gaps].astype(np.float64)], axis=1)
