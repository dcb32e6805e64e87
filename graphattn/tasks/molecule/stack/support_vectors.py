"""Support vector machines on the descriptors, with a Gaussian kernel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.molecule.stack.arrays import Arrays, read_arrays, write_arrays
from graphattn.tasks.molecule.stack.inputs import Inputs
from graphattn.tasks.molecule.stack.links import apply_link, constant_score, learnable

Array = NDArray[np.float64]

_C, _TUBE, _WIDTH = 10.0, 0.1, 0.5
"""penalty; insensitive range, in standard deviations of the target; the kernel's coefficient times the descriptors"""
_CLASS_C = 1.0
_MOST = 5000
"""molecules learned from: time and memory grow with their square, so of more these are drawn at random"""
_CHUNK = 1024
_NAMES = ("support", "coefficients", "gamma", "slope", "offset")


@dataclass(frozen=True)
class SupportVectors:
    r"""Scores :math:`a \sum_i c_i \exp(-\gamma \lVert x - s_i \rVert^2) + b` of scaled descriptors :math:`x`.

    For classes, :math:`a` and :math:`b` make log-odds of the machine's decisions about molecules of the other half of
    the training part (Platt 1999).

    Attributes:
        task: "regression" or "classification".
        models: `support [s, d]`, `coefficients [s]`, `gamma []`, `slope []` and `offset []` of each target.
    """

    task: str
    models: list[Arrays]

    @classmethod
    def fit(cls, inputs: Inputs, targets: Array, *, task: str, seed: int) -> SupportVectors:
        """Fit a machine to each column of `targets`, NaN where a value is missing."""
        return cls(task, [_fit(inputs.scaled, y, task, seed) for y in targets.T])

    def predict(self, inputs: Inputs) -> Array:
        """Return `[n, T]` values, or probabilities of class 1."""
        return apply_link(self.task, np.stack([_scores(model, inputs.scaled) for model in self.models], axis=1))

    def write(self, directory: Path, name: str) -> None:
        """Write one file of arrays."""
        write_arrays(directory / f"{name}.safetensors", self.models)

    @classmethod
    def read(cls, directory: Path, name: str, task: str, targets: int) -> SupportVectors:
        """Read it back."""
        return cls(task, read_arrays(directory / f"{name}.safetensors", _NAMES, targets))


def _scores(model: Arrays, x: Array) -> Array:
    support = model["support"]
    squares = (support**2).sum(axis=1)
    scores = np.empty(len(x))
    for start in range(0, len(x), _CHUNK):
        part = x[start : start + _CHUNK]
        distances = (part**2).sum(axis=1)[:, None] + squares - 2 * part @ support.T
        scores[start : start + _CHUNK] = np.exp(-model["gamma"] * distances.clip(0)) @ model["coefficients"]
    return np.asarray(model["slope"] * scores + model["offset"])


def _fit(x: Array, y: Array, task: str, seed: int) -> Arrays:
    from sklearn.svm import SVC, SVR

    known = np.flatnonzero(~np.isnan(y))
    if len(known) > _MOST:
        known = np.sort(np.random.default_rng(seed).choice(known, _MOST, replace=False))
    x, y = x[known], y[known]
    if not learnable(y):
        return _arrays(x[:0], np.zeros(0), 1.0, 0.0, constant_score(task, y))
    gamma = _WIDTH / x.shape[1]
    if task == "regression":
        mean, std = y.mean(), y.std()
        machine = SVR(C=_C, epsilon=_TUBE, gamma=gamma).fit(x, (y - mean) / std)
        slope, offset = std, mean
    else:
        machine = SVC(C=_CLASS_C, gamma=gamma).fit(x, y)
        slope, offset = _log_odds(SVC(C=_CLASS_C, gamma=gamma), x, y)
    offset += slope * machine.intercept_[0]
    return _arrays(x[machine.support_], machine.dual_coef_[0], gamma, slope, offset)


def _log_odds(machine: object, x: Array, y: Array) -> tuple[float, float]:
    """Return slope and offset from decisions to log-odds, found on halves that the machine did not learn from."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    if min((y == 0).sum(), (y == 1).sum()) < 2:
        return 1.0, 0.0
    halves = StratifiedKFold(2, shuffle=True, random_state=0)
    decisions = cross_val_predict(machine, x, y, cv=halves, method="decision_function")
    line = LogisticRegression().fit(decisions[:, None], y)
    return float(line.coef_[0, 0]), float(line.intercept_[0])


def _arrays(support: Array, coefficients: Array, gamma: float, slope: float, offset: float) -> Arrays:
    values = (support, coefficients, *map(np.array, (gamma, slope, offset)))
    return dict(zip(_NAMES, values, strict=True))
