"""How good the predictions in a table are, whoever made them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.common.decimals import convention_of, parse_number
from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.labels import MISSING, Reading, read_column
from graphattn.tasks.common.table import Table, Unusable
from graphattn.tasks.molecule.bootstrap import interval, resampled
from graphattn.tasks.molecule.intervals import coverage
from graphattn.tasks.molecule.metrics import evaluate
from graphattn.tasks.molecule.task import check_task, metric_names

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """The predictions of one target against its measured values.

    Attributes:
        target, prediction: the columns compared.
        task: "regression" or "classification".
        values: rows with a measured value and a prediction; the others are in `unmeasured` and `unpredicted`.
        metrics: those of `metric_names`; NaN where one is not defined.
        intervals: where each falls in 95 % of resamples of these rows.
        coverage: how many measured values the intervals of the table hold; None where it has none.
        notes: what the reader should know besides.
    """

    target: str
    prediction: str
    task: str
    values: int
    unmeasured: int
    unpredicted: int
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    coverage: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the evaluation as a JSON object."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def evaluate_table(table: Table, target: str, prediction: str | None = None, task: str | None = None) -> Evaluation:
    """Compare a column of predictions with one of measured values.

    Args:
        table: a row for each molecule.
        target: the column of measured values: numbers, or two classes.
        prediction: the column of predictions: numbers, probabilities of class 1, or labels. None: the one that
            `graphattn predict` writes.
        task: "regression" or "classification"; told by the measured values when None.

    Raises:
        TableError: a column is missing or cannot be read, or no row has both a value and a prediction.
    """
    check_task(task)
    target = target.strip()
    prediction = _prediction_column(table, target) if prediction is None else prediction.strip()
    if prediction == target:
        raise TableError(f"{table.name}: column {target!r} cannot be both the measured values and the predictions.")
    rows = [row for row, cells in enumerate(table.rows) if cells and not isinstance(cells, Unusable)]
    notes = []
    ragged = sum(isinstance(cells, Unusable) for cells in table.rows)
    if ragged:
        notes.append(f"{ragged} row{'s' if ragged > 1 else ''} with more values than the header left out")
    measured_cells, predicted_cells = (_cells(table, column, rows) for column in (target, prediction))
    reading = _reading(table, target, measured_cells, task)
    measured = _values(table, target, rows, measured_cells, reading)
    kind = "regression" if reading.classes is None else "classification"
    predicted, note = _predictions(table, prediction, rows, predicted_cells, reading)
    notes += [text for text in (reading.note, note) if text]
    known = ~np.isnan(measured) & ~np.isnan(predicted)
    if not known.any():
        raise TableError(
            f"{table.name}: no row has both a value in column {target!r} and a prediction in column {prediction!r}."
        )
    metrics, ranges = _metrics(kind, predicted[known], measured[known])
    return Evaluation(
        target,
        prediction,
        kind,
        int(known.sum()),
        int(np.isnan(measured).sum()),
        int((np.isnan(predicted) & ~np.isnan(measured)).sum()),
        metrics,
        ranges,
        _coverage(table, target, rows, measured) if kind == "regression" else None,
        notes,
    )


def _metrics(task: str, predicted: Array, measured: Array) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    names = metric_names(task)

    def measure(rows: NDArray[np.int64]) -> Array:
        found = evaluate(task, predicted[rows, None], measured[rows, None])
        return np.array([found[name] for name in names])

    count = len(measured)
    whole = measure(np.arange(count))
    samples = resampled(measure, count) if count > 1 else np.full((1, len(names)), np.nan)
    ranges = {name: interval(samples[:, column]) for column, name in enumerate(names)}
    return dict(zip(names, whole.tolist(), strict=True)), ranges


def _prediction_column(table: Table, target: str) -> str:
    """Return the column that `graphattn predict` writes, or one that is called so."""
    table.column(target)  # raises where there is none
    for name in (f"{target}_probability", f"{target}_predicted", f"{target}_pred", "prediction", "predicted"):
        if table.columns.count(name) == 1:
            return name
    others = ", ".join(repr(column) for column in table.columns if column != target)
    raise TableError(
        f"{table.name}: name the column of predictions with --prediction, since there is no {f'{target}_predicted'!r}; "
        f"the other columns are {others or 'none'}."
    )


def _cells(table: Table, column: str, rows: Sequence[int]) -> list[str]:
    at = table.column(column)
    return [table.cell(row, at) for row in rows]


def _reading(table: Table, target: str, cells: Sequence[str], task: str | None) -> Reading:
    kinds = {cell.casefold() for cell in cells if cell.lower() not in MISSING}
    if not kinds:
        raise TableError(f"{table.name}, column {target!r}: no row has a value.")
    if len(kinds) == 1:
        only = next(cell for cell in cells if cell.lower() not in MISSING)
        try:
            parse_number(only)
        except ValueError:
            raise TableError(
                f"{table.name}, column {target!r}: all values are {only!r}; with one class there is nothing to compare."
            ) from None
    return read_column(f"{table.name}, column {target!r}", cells, task)


def _values(table: Table, column: str, rows: Sequence[int], cells: Sequence[str], reading: Reading) -> Array:
    values = []
    for row, cell in zip(rows, cells, strict=True):
        try:
            values.append(reading.value(cell))
        except ValueError as error:
            raise TableError(f"{table.where(row, column)}: {error}.") from None
    return np.array(values, dtype=np.float64)


def _predictions(
    table: Table, column: str, rows: Sequence[int], cells: Sequence[str], reading: Reading
) -> tuple[Array, str]:
    """Return numbers, or probabilities of class 1, and what should be said of them."""
    if reading.classes is not None and not all(_is_probability(cell) for cell in cells):
        try:
            labels = _values(table, column, rows, cells, reading)
        except TableError as error:
            raise TableError(
                f"{str(error).rstrip('.')}, and no probability between 0 and 1; name the column of predictions with "
                "--prediction."
            ) from None
        return labels, f"column {column!r} holds labels, not probabilities, so that they rank only two ways"
    return _values(table, column, rows, cells, Reading(convention_of(cells))), ""


def _is_probability(cell: str) -> bool:
    try:
        return cell.lower() in MISSING or 0 <= parse_number(cell) <= 1
    except ValueError:
        return False


def _coverage(table: Table, target: str, rows: Sequence[int], measured: Array) -> dict[str, Any] | None:
    names = [f"{target}_low", f"{target}_high"]
    if any(table.columns.count(name) != 1 for name in names):
        return None
    each = [_cells(table, name, rows) for name in names]
    low, high = (
        _values(table, name, rows, cells, Reading(convention_of(cells)))
        for name, cells in zip(names, each, strict=True)
    )
    return coverage(low, high, measured)
