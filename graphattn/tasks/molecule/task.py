"""Regression or binary classification, and how each is measured."""

from collections.abc import Sequence

from graphattn.tasks.common.decimals import looks_numeric
from graphattn.tasks.common.errors import SettingsError, TableError
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


def detect_task(rows: MoleculeRows) -> str:
    """Return "classification" if every target column was read as classes, "regression" if none was.

    Raises:
        TableError: some were and some were not; one model learns one kind.
    """
    numbers = [column for column, classes in zip(rows.target_columns, rows.classes, strict=True) if classes is None]
    if numbers and len(numbers) < len(rows.target_columns):
        named, classes = next((c, k) for c, k in zip(rows.target_columns, rows.classes, strict=True) if k is not None)
        remedy = "" if not all(map(looks_numeric, classes)) else ", or say --task regression to learn all as numbers"
        raise TableError(
            f"{rows.table.name}: column {numbers[0]!r} holds numbers and column {named!r} classes "
            f"({classes[0]}, {classes[1]}); their errors have no common measure, so one model learns one kind: "
            f"train one for each{remedy}."
        )
    return "regression" if numbers else "classification"


def check_task(task: str | None) -> None:
    """Refuse a name that is no task.

    Raises:
        SettingsError: naming those there are.
    """
    if task is not None and task not in TASKS:
        raise SettingsError(f"task must be one of {', '.join(TASKS)}, got {task!r}.")


def metric_names(task: str, targets: int = 1) -> Sequence[str]:
    """Return the metrics of a task that have a meaning over `targets` targets, the most telling first.

    Errors of several regressions are never averaged: each has a unit of its own.
    """
    if task == "classification":
        return ("roc_auc", "average_precision", "accuracy")
    return ("rmse", "mae", "r2") if targets == 1 else ("r2",)


def mean_weight(weight: float | dict[str, float]) -> float:
    """Return the weight of a member of the stack, or the mean of its weights for several targets."""
    return sum(weight.values()) / len(weight) if isinstance(weight, dict) else weight


def lower_is_better(metric: str) -> bool:
    """Return whether a lower value of the metric is better."""
    return metric in ("rmse", "mae")
