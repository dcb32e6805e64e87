"""How good predictions are, on the nodes that have a label."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HIGHER_IS_BETTER = {"accuracy": True, "macro_f1": True, "roc_auc": True, "r2": True, "rmse": False, "mae": False}

METRICS = {
    "multiclass": ("accuracy", "macro_f1", "roc_auc"),
    "multilabel": ("accuracy", "macro_f1", "roc_auc"),
    "regression": ("r2", "rmse", "mae"),
}
"""what `evaluate` measures for each task; the first is what models are chosen by unless another is named"""


def evaluate(task: str, predicted: Array, y: NDArray[Any]) -> dict[str, float]:
    """Compare predictions with labels.

    Args:
        task: "multiclass", "multilabel" or "regression".
        predicted: probabilities `[n, C]`, or values `[n, 1]`.
        y: `[n]` places of the classes, `[n, C]` zeros and ones with NaN where unknown, or `[n]` values.

    Returns:
        The metrics of `METRICS[task]`. ROC-AUC is that of the second class where there are two, else the mean over the
        classes, each against the others; of several labels accuracy, F1 and ROC-AUC are means over the labels. NaN
        where a metric is not defined.
    """
    return {name: measure(task, name, predicted, y) for name in METRICS[task]}


def measure(task: str, metric: str, predicted: Array, y: NDArray[Any]) -> float:
    """Return one metric; see `evaluate`."""
    if len(y) == 0:
        return math.nan
    if task == "regression":
        return _of_numbers(metric, predicted[:, 0], y)
    if task == "multiclass":
        return _of_classes(metric, predicted, y)
    each = []
    for column in range(y.shape[1]):
        known = ~np.isnan(y[:, column])
        both = np.stack([1 - predicted[known, column], predicted[known, column]], axis=1)
        if known.any():
            each.append(_of_classes(metric, both, y[known, column].astype(np.int64)))
    return _mean(each)


def score(task: str, metric: str, predicted: Array, y: NDArray[Any]) -> float:
    """Return one metric, turned so that higher is better; minus infinity where it is not defined."""
    value = measure(task, metric, predicted, y)
    if math.isnan(value):
        return -math.inf
    return value if HIGHER_IS_BETTER[metric] else -value


def log_loss(task: str, predicted: Array, y: NDArray[Any]) -> float:
    """Return the mean negative log probability of what is true; mean squared error for regression."""
    if task == "regression":
        return float(np.mean((predicted[:, 0] - y) ** 2))
    return float(-np.mean(np.log(np.maximum(likelihood(task, predicted, y), 1e-12))))


def likelihood(task: str, predicted: Array, y: NDArray[Any]) -> Array:
    """Return the probability given to each label that is known: `[n]`, or as many as there are known labels."""
    if task == "multiclass":
        return predicted[np.arange(len(y)), y]
    known = ~np.isnan(y)
    return np.where(y[known] > 0.5, predicted[known], 1 - predicted[known])


def confusion(predicted: Array, y: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `[C, C]`: how many nodes of the class of the row were given the class of the column."""
    size = predicted.shape[1]
    return np.bincount(y * size + predicted.argmax(axis=1), minlength=size * size).reshape(size, size)


def _of_classes(metric: str, predicted: Array, y: NDArray[np.int64]) -> float:
    if metric == "roc_auc":
        return _auc(predicted, y)
    chosen = predicted.argmax(axis=1)
    if metric == "accuracy":
        return float((chosen == y).mean())
    from sklearn.metrics import f1_score

    return float(f1_score(y, chosen, average="macro", labels=np.unique(y), zero_division=0))


def _auc(predicted: Array, y: NDArray[np.int64]) -> float:
    from sklearn.metrics import roc_auc_score

    if predicted.shape[1] == 2:
        return float(roc_auc_score(y, predicted[:, 1])) if len(np.unique(y)) == 2 else math.nan
    each = [
        float(roc_auc_score(y == label, predicted[:, label]))
        for label in range(predicted.shape[1])
        if 0 < (y == label).sum() < len(y)
    ]
    return _mean(each)


def _of_numbers(metric: str, predicted: Array, y: Array) -> float:
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    if metric == "r2":
        return float(r2_score(y, predicted)) if len(y) > 1 and np.ptp(y) > 0 else math.nan
    return float((root_mean_squared_error if metric == "rmse" else mean_absolute_error)(y, predicted))


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
