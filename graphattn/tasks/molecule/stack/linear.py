"""A linear model of the descriptors: ridge regression, or logistic regression for classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.molecule.stack.arrays import Arrays, read_arrays, write_arrays
from graphattn.tasks.molecule.stack.inputs import Inputs
from graphattn.tasks.molecule.stack.links import apply_link, constant_score, learnable

Array = NDArray[np.float64]

_PENALTIES = np.logspace(0, 4, 9)
_CLASS_STRENGTH = 0.01
"""inverse penalty of the logistic regression"""


@dataclass(frozen=True)
class Linear:
    r"""Scores :math:`w^\top x + b` of scaled descriptors :math:`x`.

    The penalty of the ridge is the best of nine by leave-one-out errors, which follow from one decomposition.

    Attributes:
        task: "regression" or "classification".
        models: `coefficients [d]` and `intercept []` of each target.
    """

    task: str
    models: list[Arrays]

    @classmethod
    def fit(cls, inputs: Inputs, targets: Array, *, task: str, seed: int) -> Linear:
        """Fit a model of each column of `targets`, NaN where a value is missing."""
        return cls(task, [_fit(inputs.scaled, y, task) for y in targets.T])

    def predict(self, inputs: Inputs) -> Array:
        """Return `[n, T]` values, or probabilities of class 1."""
        scores = [inputs.scaled @ model["coefficients"] + model["intercept"] for model in self.models]
        return apply_link(self.task, np.stack(scores, axis=1))

    def write(self, directory: Path, name: str) -> None:
        """Write one file of arrays."""
        write_arrays(directory / f"{name}.safetensors", self.models)

    @classmethod
    def read(cls, directory: Path, name: str, task: str, targets: int) -> Linear:
        """Read it back."""
        return cls(task, read_arrays(directory / f"{name}.safetensors", ("coefficients", "intercept"), targets))


def _fit(x: Array, y: Array, task: str) -> Arrays:
    from sklearn.linear_model import LogisticRegression, RidgeCV

    known = ~np.isnan(y)
    x, y = x[known], y[known]
    if not learnable(y):
        return {"coefficients": np.zeros(x.shape[1]), "intercept": np.array(constant_score(task, y))}
    if task == "regression":
        model = RidgeCV(_PENALTIES).fit(x, y)
        return {"coefficients": model.coef_, "intercept": np.array(model.intercept_)}
    model = LogisticRegression(C=_CLASS_STRENGTH, max_iter=1000).fit(x, y)
    return {"coefficients": model.coef_[0], "intercept": np.array(model.intercept_[0])}
