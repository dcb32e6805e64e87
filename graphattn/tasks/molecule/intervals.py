r"""Intervals around predicted values that hold the measured value as often as they say.

A molecule's *difficulty* is the error to expect of its prediction,

.. math:: \sigma = w_0 + w_1 s + w_2 d,

from how far the members differ, :math:`s`, and its distance to the nearest training molecule, :math:`d` (one minus
Tanimoto similarity), with weights of 0 or more. The interval is the prediction ± :math:`q\sigma`, where a share of 90 %
of molecules that no member learned from had an error of :math:`q\sigma` at most. If the new molecules come from where
those came from, 90 % of the intervals hold the measured value, whatever the members and the difficulty are.

Reference: Vovk, Gammerman and Shafer 2005, Algorithmic Learning in a Random World (inductive conformal prediction);
Papadopoulos, Gammerman and Vovk 2008 (normalized by difficulty); the computation is that of crepes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.stats import binom

if TYPE_CHECKING:
    from crepes import ConformalRegressor

Array = NDArray[np.float64]

LEVEL = 0.9
"""share of measured values that the intervals are to hold"""
FEWEST = 10
"""molecules without which no interval of that level is bounded"""
_FEWEST_FOR_DIFFICULTY = 50
"""molecules below which all are taken to be equally difficult"""
_FLOOR = 0.25
"""the least difficulty, as a multiple of the mean error"""


@dataclass(frozen=True)
class Difficulty:
    """The error to expect of a prediction, `max(w · (1, spread, distance), floor)`; it rises with both."""

    weights: tuple[float, float, float]
    floor: float

    @classmethod
    def fit(cls, spread: Array, distance: Array, error: Array) -> Difficulty:
        """Learn the weights from absolute errors, by non-negative least squares.

        The largest 5 % of the errors count as the next smaller one, so that a single molecule decides nothing.

        Args:
            spread, distance, error: `[n]` each.
        """
        mean = float(error.mean()) or 1.0
        if len(error) < _FEWEST_FOR_DIFFICULTY:
            return cls((mean, 0.0, 0.0), _FLOOR * mean)
        columns = np.stack([np.ones_like(error), spread, distance], axis=1)
        scale = columns.mean(axis=0)
        scale[scale == 0] = 1.0
        weights, _ = nnls(columns / scale, np.minimum(error, np.quantile(error, 0.95)))
        first, second, third = (weights / scale).tolist()
        return cls((first, second, third), _FLOOR * mean)

    def __call__(self, spread: Array, distance: Array) -> Array:
        """Return the difficulty, `[n]`; NaN where `distance` is."""
        constant, by_spread, by_distance = self.weights
        return np.maximum(constant + by_spread * spread + by_distance * distance, self.floor)


@dataclass(frozen=True)
class Intervals:
    """The intervals of one target.

    Attributes:
        difficulty: how wide they are, one beside another.
        scores: `[n]` error / difficulty of the molecules that they are calibrated on.
    """

    difficulty: Difficulty
    scores: Array

    @classmethod
    def calibrate(cls, predicted: Array, spread: Array, distance: Array, measured: Array) -> Intervals | None:
        """Calibrate on molecules that nobody learned from.

        Args:
            predicted: `[n]`.
            spread: `[n]` how far the members differ.
            distance: `[n]` to the nearest molecule that the members learned from.
            measured: `[n]`; molecules without a value (NaN) do not count.

        Returns:
            None where fewer than `FEWEST` have a value.
        """
        known = ~np.isnan(measured)
        if known.sum() < FEWEST:
            return None
        predicted, spread, distance, measured = (each[known] for each in (predicted, spread, distance, measured))
        difficulty = Difficulty.fit(spread, distance, np.abs(measured - predicted))
        return cls(difficulty, conformal(predicted, difficulty(spread, distance), measured).alphas)

    def __call__(self, predicted: Array, spread: Array, distance: Array, level: float = LEVEL) -> tuple[Array, Array]:
        """Return the lower and the upper ends, `[n]` each; NaN where there is no prediction."""
        from crepes import ConformalRegressor

        regressor = ConformalRegressor().fit(self.scores, sigmas=np.ones_like(self.scores))
        ends = regressor.predict_int(predicted, sigmas=self.difficulty(spread, distance), confidence=level)
        return ends[:, 0], ends[:, 1]


def conformal(predicted: Array, difficulty: Array, measured: Array) -> ConformalRegressor:
    """Return crepes' regressor, calibrated on `[n]` predictions, their difficulty and the measured values."""
    from crepes import ConformalRegressor  # it loads scikit-learn

    return ConformalRegressor().fit(measured - predicted, sigmas=difficulty)


def coverage(low: Array, high: Array, measured: Array) -> dict[str, Any] | None:
    """Return how many of the measured values the intervals hold.

    Args:
        low, high, measured: `[n]`, NaN where there is none.

    Returns:
        `{"level", "values", "held", "chance", "half_width"}`: the share aimed at, how many values there are,
        the share held, the shares between which 95 % of samples of that size fall by chance, and half the median width.
        None where there is nothing to count.
    """
    known = ~np.isnan(low) & ~np.isnan(measured)
    count = int(known.sum())
    if not count:
        return None
    held = (low <= measured) & (measured <= high)
    return {
        "level": LEVEL,
        "values": count,
        "held": float(held[known].mean()),
        "chance": [float(end) / count for end in binom.interval(0.95, count, LEVEL)],
        "half_width": float(np.median((high - low)[known]) / 2),
    }


def describe_coverage(found: Mapping[str, Any], target: str = "", unit: str | None = None) -> str:
    """Say in a sentence what `coverage` found.

    Args:
        found: what it returned.
        target: named where there are several.
        unit: of the values.
    """
    low, high = found["chance"]
    of = f" of {target!r}" if target else ""
    sentence = (
        f"{found['level']:.0%} intervals hold {found['held']:.0%} of {found['values']} test values{of}, in the median "
        f"±{found['half_width']:.3g}{f' {unit}' if unit else ''}"
    )
    if found["held"] < low:
        return (
            f"{sentence}. That is fewer than chance explains ({low:.0%} to {high:.0%}): the test molecules are harder."
        )
    if found["held"] > high:
        return (
            f"{sentence}. That is more than chance explains ({low:.0%} to {high:.0%}): the test molecules are easier."
        )
    return f"{sentence}; {low:.0%} to {high:.0%} is within chance."
