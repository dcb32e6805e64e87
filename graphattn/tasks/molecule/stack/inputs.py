"""What the quick members see of molecules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Inputs:
    """Features of `n` molecules.

    Attributes:
        scaled: `[n, d]` descriptors without gaps, at zero mean and unit variance; for members that measure distances.
        wide: `[n, d + b]` float32 raw descriptors, NaN where one is missing, and Morgan counts; for trees.
    """

    scaled: NDArray[np.float64]
    wide: NDArray[np.float32]

    def __getitem__(self, rows: NDArray[np.int64]) -> Inputs:
        return Inputs(self.scaled[rows], self.wide[rows])

    def __len__(self) -> int:
        return len(self.scaled)


def make_inputs(
    scaled: NDArray[np.float64], descriptors: NDArray[np.float64], fingerprints: Sequence[NDArray[np.int32]]
) -> Inputs:
    """Put scaled descriptors, raw descriptors and counts of each molecule together."""
    return Inputs(scaled, np.concatenate([descriptors, np.stack(fingerprints)], axis=1, dtype=np.float32))
