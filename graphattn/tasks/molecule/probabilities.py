"""Probabilities that mean what they say: of molecules with 0.8, four in five are of class 1."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from scipy.stats import binomtest

Array = NDArray[np.float64]

_TINY = 1e-7
_RANGE = (np.log(0.05), np.log(20.0))
_FEWEST = 10  # molecules of each class; with fewer the temperature is 1
_IN_A_BIN = 10


def fit_temperature(probabilities: Array, classes: Array) -> float:
    r"""Find the temperature :math:`t` at which :math:`\mathrm{sigmoid}(\mathrm{logit}(p)/t)` has the least log loss.

    Above 1 the probabilities were too sure, below 1 not sure enough. Which class is likelier, and the order of the
    molecules, stay as they are.

    Args:
        probabilities: `[n]` of class 1, of molecules that nobody learned from.
        classes: `[n]` 0 or 1; NaN where it is missing.

    Returns:
        0.05 to 20; 1 where a class has fewer than ten molecules.

    Reference: Guo et al. 2017, On Calibration of Modern Neural Networks.
    """
    known = ~np.isnan(classes)
    positive = classes[known] == 1
    if min(positive.sum(), (~positive).sum()) < _FEWEST:
        return 1.0
    signed = np.where(positive, 1.0, -1.0) * _logits(probabilities[known])

    def loss(log_temperature: float) -> float:
        return float(np.logaddexp(0.0, -signed / np.exp(log_temperature)).mean())

    found = minimize_scalar(loss, bounds=_RANGE, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def at_temperature(probabilities: Array, temperature: float) -> Array:
    """Return the calibrated probabilities; NaN stays NaN."""
    return probabilities if temperature == 1 else np.asarray(expit(_logits(probabilities) / temperature))


class Reliability(NamedTuple):
    """Groups of molecules with nearly the same probability, from the lowest to the highest."""

    predicted: Array
    """mean probability of each group"""
    observed: Array
    """share of class 1"""
    low: Array
    high: Array
    """between which the true share lies (95 % Wilson interval)"""


def reliability(probabilities: Array, classes: Array) -> Reliability:
    """Compare probabilities with shares, in up to ten groups of equally many molecules, ten in each at least.

    Args:
        probabilities: `[n]` of class 1.
        classes: `[n]` 0 or 1.
    """
    order = np.argsort(probabilities, kind="stable")
    groups = np.array_split(order, min(max(len(order) // _IN_A_BIN, 1), 10))
    tests = [binomtest(int(classes[group].sum()), len(group)) for group in groups]
    ends = [test.proportion_ci(method="wilson") for test in tests]
    return Reliability(
        np.array([probabilities[group].mean() for group in groups]),
        np.array([classes[group].mean() for group in groups]),
        np.array([end.low for end in ends]),
        np.array([end.high for end in ends]),
    )


def brier(probabilities: Array, classes: Array) -> float:
    """Return the mean squared difference of probability and class; NaN where no class is known."""
    known = ~np.isnan(classes)
    return float(((probabilities - classes)[known] ** 2).mean()) if known.any() else float("nan")


def _logits(probabilities: Array) -> Array:
    return np.asarray(logit(np.clip(probabilities, _TINY, 1 - _TINY)))
