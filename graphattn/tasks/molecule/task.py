"""Regression or binary classification: told by the values."""

from collections.abc import Sequence

import numpy as np

from graphattn.tasks.molecule.errors import SettingsError, TableError
from graphattn.tasks.molecule.rows import MoleculeRows

TASKS = ("regression", "classification")
METRIC_LABELS = {
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
    "roc_auc": "ROC AUC",
    "average_precision": "avg. precision",
    "accuracy": "accuracy",
}
RIVALS = {"mean": "mean predictor", "random_forest": "random forest", "gradient_boosting": "gradient boosting"}
"""the simpler models that each training is compared with"""


def detect_task(rows: MoleculeRows, task: str | None = None) -> str:
    """Return "classification" if every target value is 0 or 1, else "regression".

    Args:
        rows: the molecules.
        task: what the user says it is; None to go by the values.

    Raises:
        SettingsError: `task` is neither.
        TableError: `task` is "classification" and a value is neither 0 nor 1.
    """
    if task is not None and task not in TASKS:
        raise SettingsError(f"task must be one of {', '.join(TASKS)}, got {task!r}.")
    other = np.argwhere(~np.isnan(rows.targets) & ~np.isin(rows.targets, (0.0, 1.0)))
    if task == "classification" and len(other):
        molecule, target = other[0]
        place = rows.table.where(rows.rows[molecule], rows.target_columns[target])
        raise TableError(f"{place}: a class is 0 or 1, got {rows.targets[molecule, target]:g}.")
    return task or ("regression" if len(other) else "classification")


def metric_names(task: str) -> Sequence[str]:
    """Return the metrics of a task, the most telling first."""
    return ("rmse", "mae", "r2") if task == "regression" else ("roc_auc", "average_precision", "accuracy")


def lower_is_better(metric: str) -> bool:
    """Tell errors from scores."""
    return metric in ("rmse", "mae")
