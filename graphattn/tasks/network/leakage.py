"""Columns that give the label away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from graphattn.tasks.network.network import ColumnRole
from graphattn.tasks.network.rows import Rows
from graphattn.tasks.network.target import Labels
from graphattn.tasks.network.values import coded, missing, numbers


def leaks(rows: Rows, columns: Sequence[ColumnRole], labels: Labels) -> list[str]:
    """A sentence for each feature that tells the label exactly.

    A category or number does when each of its values has nodes of one label only, and it has hardly more values than
    there are labels; for regression, a number does when it is the target times a factor plus a constant.
    """
    if not labels.task or not (labels.classes or labels.task == "regression"):
        return []
    found = []
    for column in columns:
        if column.role not in ("numeric", "boolean", "category"):
            continue
        if labels.task == "multiclass" and _tells_class(rows, column, labels):
            found.append(column.name)
        if labels.task == "regression" and column.role == "numeric" and _tells_number(rows, column, labels):
            found.append(column.name)
    return [
        f"{rows.name}, column {name!r}: it tells the target exactly; if it is not known where labels are missing, "
        f'leave it out with --ignore "{name}".'
        for name in found
    ]


def _tells_class(rows: Rows, column: ColumnRole, labels: Labels) -> bool:
    cells = coded(rows.frame[column.name])
    y = labels.y.numpy()
    known = (y >= 0) & ~missing(cells)
    if known.sum() < max(10, int((y >= 0).sum()) // 2):
        return False
    pairs = np.unique(np.stack([cells.codes[known].astype(np.int64), y[known]]), axis=1)
    values = len(np.unique(pairs[0]))
    classes = len(np.unique(pairs[1]))
    return classes > 1 and pairs.shape[1] == values and values <= 2 * classes


def _tells_number(rows: Rows, column: ColumnRole, labels: Labels) -> bool:
    y = labels.y.to(torch.float64).numpy()
    values = numbers(rows.frame[column.name]).values
    known = ~np.isnan(y) & ~np.isnan(values)
    if known.sum() < 10 or np.ptp(values[known]) == 0 or np.ptp(y[known]) == 0:
        return False
    return bool(abs(np.corrcoef(values[known], y[known])[0, 1]) > 1 - 1e-6)
