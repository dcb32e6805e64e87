"""The labels of nodes: classes, several labels at once, or numbers."""

from __future__ import annotations

import math
from collections import Counter
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphattn.tasks.common.decimals import looks_numeric
from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.labels import MISSING
from graphattn.tasks.network.rejects import Rejects
from graphattn.tasks.network.rows import Rows
from graphattn.tasks.network.values import Coded, coded, missing, numbers, split_words, unclear, words

TASKS = ("multiclass", "regression", "multilabel")
_FEW, _MANY, _EACH = 20, 100, 10  # whole numbers taken for classes: up to 20, or up to 100 that count up, 10 nodes each


class Labels(NamedTuple):
    """The labels of N nodes; see `Network` for the fields."""

    task: str
    classes: tuple[str, ...]
    y: Tensor
    notes: list[str]


def read_labels(rows: Rows, column: str, task: str | None, rejects: Rejects) -> Labels:
    """Read the labels of all rows.

    Without a task, lists of labels are taken for several at once; numbers for regression, unless they are whole and
    few; everything else for classes.

    Raises:
        TableError: no row has a label, or all have the same.
    """
    if task is not None and task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(TASKS)}, got {task!r}")
    found = coded(rows.frame[column])
    place = f"{rows.name}, column {column!r}"
    gone = missing(found)
    if gone.all():
        raise TableError(f"{place}: no node has a label, so there is nothing to learn.")
    if task == "multilabel" or (task is None and words(found) is not None):
        return _several(place, found)
    known = [found.names[code] for code in np.unique(found.codes[~gone])]
    if task == "regression" or (task is None and _are_quantities(found, gone)):
        return _numbers(rows, column, found, rejects, said=task is not None)
    return _classes(rows, column, found, gone, known, said=task is not None)


def no_labels(nodes: int) -> Labels:
    """What stands for the labels where there is no target."""
    return Labels("multiclass", (), torch.full((nodes,), -1), [])


def _are_quantities(found: Coded, gone: np.ndarray) -> bool:
    values = numbers(found)
    kept = values.values[~gone & ~values.wrong]
    if 2 * len(kept) <= int((~gone).sum()):
        return False
    kinds = np.unique(kept)
    if (kinds != np.round(kinds)).any():
        return len(kinds) > 2
    counting = len(kinds) == kinds[-1] - kinds[0] + 1 and kinds[0] in (0, 1)
    return len(kinds) > (_MANY if counting and len(kept) >= _EACH * len(kinds) else _FEW)


def _numbers(rows: Rows, column: str, found: Coded, rejects: Rejects, *, said: bool) -> Labels:
    values = numbers(found)
    if unclear(values):
        row = int(np.argmax(values.wrong))
        raise TableError(
            f"{rows.where(row, column)}: {found.names[found.codes[row]]!r} may have a decimal comma or a comma between "
            "thousands; write a decimal point and no thousands separators."
        )
    for row in np.flatnonzero(values.wrong).tolist():
        name = found.names[found.codes[row]]
        rejects.add(
            rows, int(row), column, name, f"{name!r} is not a number that can be used; the node is kept without"
        )
    known = values.values[~np.isnan(values.values)]
    place = f"{rows.name}, column {column!r}"
    if not len(known):
        raise TableError(f"{place}: no node has a number, so there is nothing to learn.")
    if (known == known[0]).all():
        raise TableError(f"{place}: all {len(known):,} numbers are {known[0]:g}, so there is nothing to learn.")
    notes = (
        [] if said else [f"{place}: {len(np.unique(known)):,} different numbers, taken for quantities (regression)."]
    )
    return Labels("regression", (), torch.from_numpy(values.values.astype(np.float32)), notes)


def _classes(rows: Rows, column: str, found: Coded, gone: np.ndarray, known: list[str], *, said: bool) -> Labels:
    place = f"{rows.name}, column {column!r}"
    numeric = all(looks_numeric(name) for name in known)
    values = numbers(found)
    same = numeric and not values.wrong[~gone].any()
    kept: dict[str, str] = {}  # of each label the writing that is shown: 1 and 1.0 are one class
    if same:
        of_name = dict(zip(found.codes.tolist(), values.values.tolist(), strict=True))
        by_value: dict[float, str] = {}
        for code, name in enumerate(found.names):
            if code in of_name and not math.isnan(of_name[code]):
                kept[name] = by_value.setdefault(of_name[code], name)
        classes = tuple(by_value[value] for value in sorted(by_value))
    else:
        kept = {name: name for name in known}
        classes = tuple(sorted(kept))
    if len(classes) == 1:
        count = int((~gone).sum())
        raise TableError(f"{place}: all {count:,} labels are {classes[0]!r} (one class), so there is nothing to learn.")
    position = {label: at for at, label in enumerate(classes)}
    of_code = np.array([position.get(kept.get(name, ""), -1) for name in found.names] + [-1], dtype=np.int64)
    y = of_code[found.codes]
    notes = []
    if same and not said and len(classes) > 2:
        notes.append(f"{place}: {len(classes)} whole numbers, taken for classes; if they are quantities, say --task "
                     "regression.")  # fmt: skip
    return Labels("multiclass", classes, torch.from_numpy(y), notes + _oddities(rows, column, classes, y))


def _oddities(rows: Rows, column: str, classes: tuple[str, ...], y: np.ndarray) -> list[str]:
    """Say which labels come once, and which differ in case only."""
    counts = np.bincount(y[y >= 0], minlength=len(classes))
    notes = []
    once = np.flatnonzero(counts == 1)
    if len(once):
        row = int(np.argmax(y == once[0]))
        more = f", and so are {len(once) - 1} others" if len(once) > 1 else ""
        notes.append(
            f"{rows.where(row, column)}: the label {classes[once[0]]!r} is seen once{more}; a label must be seen in "
            "the training, the validation and the test to be learned and measured."
        )
    folded = Counter(label.casefold() for label in classes)
    for spelling, number in folded.items():
        if number > 1:
            alike = [repr(label) for label in classes if label.casefold() == spelling]
            notes.append(f"{rows.name}, column {column!r}: {' and '.join(alike)} differ in upper and lower case only, "
                         "and are kept as different classes.")  # fmt: skip
    return notes


def _several(place: str, found: Coded) -> Labels:
    """Several labels a node: 1 for those in its list, 0 for the others, NaN for all where the cell is empty."""
    lists = [[] if name.lower() in MISSING else split_words(name) for name in found.names]
    classes = tuple(sorted({label for labels in lists for label in labels}))
    if len(classes) < 2:
        raise TableError(f"{place}: there is one label only, so there is nothing to learn.")
    position = {label: at for at, label in enumerate(classes)}
    of_code = np.zeros((len(lists) + 1, len(classes)), dtype=np.float32)
    for row, (name, labels) in enumerate(zip(found.names, lists, strict=True)):
        if name.lower() in MISSING:
            of_code[row] = math.nan
        for label in labels:
            of_code[row, position[label]] = 1
    of_code[-1] = math.nan
    return Labels("multilabel", classes, torch.from_numpy(of_code[found.codes]), [])
