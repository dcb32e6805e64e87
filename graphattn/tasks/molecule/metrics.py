"""How good predictions are, missing values left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics.functional import mean_absolute_error, mean_squared_error, r2_score
from torchmetrics.functional.classification import binary_accuracy, binary_auroc, binary_average_precision

from graphattn.tasks.molecule.task import metric_names

Metrics = dict[str, Any]


def evaluate(
    task: str,
    predictions: NDArray[np.floating],
    targets: NDArray[np.floating],
    columns: Sequence[str] | None = None,
) -> Metrics:
    """Compare predictions with targets.

    Args:
        task: "regression" or "classification".
        predictions: `[n, T]` values, or probabilities of class 1.
        targets: `[n, T]`; NaN where a value is missing.
        columns: the names of the `T` targets; None where the means are enough.

    Returns:
        `{"rmse", "mae", "r2"}` or `{"roc_auc", "average_precision", "accuracy"}`; with several targets the means
        of those that have a common scale (not of errors, see `metric_names`), and each target's own under
        `"per_target"`. NaN where a metric is not defined: R² of fewer than two
        values or of values that do not vary, the first two of the classes' where one class is absent.
    """
    each = [_evaluate_one(task, predictions[:, column], targets[:, column]) for column in range(targets.shape[1])]
    if len(each) == 1:
        return each[0]
    means: Metrics = {name: _mean([metrics[name] for metrics in each]) for name in metric_names(task, len(each))}
    return means if columns is None else means | {"per_target": dict(zip(columns, each, strict=True))}


def _evaluate_one(task: str, predictions: NDArray[np.floating], targets: NDArray[np.floating]) -> dict[str, float]:
    known = ~np.isnan(targets)
    y = torch.from_numpy(np.ascontiguousarray(targets[known], dtype=np.float64))
    p = torch.from_numpy(np.ascontiguousarray(predictions[known], dtype=np.float64))
    return _regression(p, y) if task == "regression" else _classification(p, y.long())


def _regression(p: Tensor, y: Tensor) -> dict[str, float]:
    if not len(y):
        return dict.fromkeys(metric_names("regression"), math.nan)
    varies = len(y) > 1 and bool((y != y[0]).any())
    return {
        "rmse": float(mean_squared_error(p, y, squared=False)),
        "mae": float(mean_absolute_error(p, y)),
        "r2": float(r2_score(p, y)) if varies else math.nan,
    }


def _classification(p: Tensor, y: Tensor) -> dict[str, float]:
    if not len(y):
        return dict.fromkeys(metric_names("classification"), math.nan)
    both = bool(y.any()) and not bool(y.all())
    return {
        "roc_auc": float(binary_auroc(p, y)) if both else math.nan,
        "average_precision": float(binary_average_precision(p, y)) if both else math.nan,
        "accuracy": float(binary_accuracy(p, y)),
    }


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan
