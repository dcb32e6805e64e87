"""Predictions of molecules, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.molecule.neighbors import Nearest


@dataclass(frozen=True)
class Prediction:
    """Predictions of `n` molecules, in their order.

    Attributes:
        mean: `[n, T]` the values, or the probabilities of class 1; NaN for a SMILES that cannot be read.
        std: `[n, T]` how far the networks differ (sample standard deviation); NaN for one network.
        reasons: `[n]` why there is no prediction; "" where there is one.
        low, high: `[n, T]` ends of the 90 % intervals; NaN where there is none, None for a model that knows none.
        nearest: the nearest training molecules; None for a model that did not keep them.
        spread: `[n, T]` how far the members of the stack differ; None without a stack.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    reasons: list[str]
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None
    nearest: Nearest | None = None
    spread: NDArray[np.float64] | None = None

    def at(self, rows: NDArray[np.int64]) -> Prediction:
        """Return the predictions of the molecules at `rows`."""
        low, high, spread = (None if each is None else each[rows] for each in (self.low, self.high, self.spread))
        reasons = [self.reasons[row] for row in rows]
        nearest = None if self.nearest is None else self.nearest.at(rows)
        return Prediction(self.mean[rows], self.std[rows], reasons, low, high, nearest, spread)

    @classmethod
    def joined(cls, parts: Sequence[Prediction]) -> Prediction:
        """Return predictions of one model, one after another."""
        nearest = [part.nearest for part in parts if part.nearest is not None]
        return cls(
            np.concatenate([part.mean for part in parts]),
            np.concatenate([part.std for part in parts]),
            [reason for part in parts for reason in part.reasons],
            _joined([part.low for part in parts]),
            _joined([part.high for part in parts]),
            Nearest.joined(nearest) if nearest else None,
            _joined([part.spread for part in parts]),
        )


def _joined(parts: Sequence[NDArray[np.float64] | None]) -> NDArray[np.float64] | None:
    there = [part for part in parts if part is not None]
    return np.concatenate(there) if there else None
