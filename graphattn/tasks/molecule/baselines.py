"""The rivals: a predictor of the mean, a random forest and gradient boosting, on RDKit's 2D descriptors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from graphattn.chem import Split
from graphattn.tasks.molecule.metrics import Metrics, evaluate
from graphattn.tasks.molecule.scaling import DescriptorScaler
from graphattn.tasks.molecule.task import RIVALS

Array = NDArray[np.float64]

_EXACT_BOOSTING = 10_000
"""rows up to which boosting tries every threshold: better, and slower, than trying 255 (scikit-learn's advice)"""


def evaluate_baselines(
    task: str, descriptors: Array, targets: Array, split: Split, columns: Sequence[str], *, seed: int = 0
) -> Iterator[tuple[str, Metrics]]:
    """Yield the name of each rival and its metrics on the test part; `columns` are the names of the targets.

    See `predict_baselines`.
    """
    for name, predictions in predict_baselines(task, descriptors, targets, split, seed=seed):
        yield name, evaluate(task, predictions, targets[split.test], columns)


def predict_baselines(
    task: str, descriptors: Array, targets: Array, split: Split, *, seed: int = 0
) -> Iterator[tuple[str, Array]]:
    """Fit each rival on the training part and yield its name and its predictions of the test part, `[n, T]`.

    Args:
        task: "regression" or "classification".
        descriptors: `[n, d]` raw descriptors; gaps are filled with the medians of the training part.
        targets: `[n, T]`, NaN where a value is missing; each target has a rival of its own.
        split: the same as the network's.
        seed: of the forests.
    """
    scaler = DescriptorScaler.fit(descriptors[split.train])
    train, test = (scaler.fill(descriptors[part]) for part in (split.train, split.test))
    for name in RIVALS:
        yield (
            name,
            np.stack(
                [_fit_predict(_model(name, task, len(train), seed), train, y, test) for y in targets[split.train].T],
                axis=1,
            ),
        )


def _model(name: str, task: str, rows: int, seed: int) -> Any:
    regression = task == "regression"
    if name == "mean":
        return DummyRegressor() if regression else DummyClassifier()  # the latter gives the classes' shares
    if name == "random_forest":
        forest = RandomForestRegressor if regression else RandomForestClassifier
        return forest(n_estimators=300, n_jobs=-1, random_state=seed)
    if rows > _EXACT_BOOSTING:
        return (HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier)(random_state=seed)
    return (GradientBoostingRegressor if regression else GradientBoostingClassifier)(random_state=seed)


def _fit_predict(model: Any, train: Array, targets: Array, test: Array) -> Array:
    """Return `[n]` values, or probabilities of class 1."""
    known = ~np.isnan(targets)
    model.fit(train[known], targets[known])
    if "n_jobs" in model.get_params():
        model.set_params(n_jobs=1)  # several threads add the trees up in any order, which shows in the last digit
    if not hasattr(model, "predict_proba"):
        return np.asarray(model.predict(test), dtype=np.float64)
    return np.asarray(model.predict_proba(test)[:, list(model.classes_).index(1.0)], dtype=np.float64)
