"""What the cells of a target column mean: numbers, or one of two classes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from graphattn.tasks.common.decimals import (
    COMMA,
    GROUPED,
    POINT,
    UNCLEAR,
    convention_of,
    is_bound,
    looks_numeric,
    parse_number,
)
from graphattn.tasks.common.errors import TableError

MISSING = {"", "nan", "na", "n/a", "#n/a", "null", "none", "-", "?"}
ZERO_ONE = ("0", "1")

_NEGATIVE = {"no", "n", "false", "f", "inactive", "negative", "neg", "absent", "fail", "failed", "off", "low", "-"}
_POSITIVE = {"yes", "y", "true", "t", "active", "positive", "pos", "present", "pass", "passed", "on", "high", "+"}
_PAIRS = [
    ("no", "yes"), ("n", "y"), ("false", "true"), ("f", "t"), ("inactive", "active"), ("negative", "positive"),
    ("neg", "pos"), ("-", "+"),
]  # fmt: skip
_NOT = ("non-", "non ", "non", "not ", "in", "un")
_MOST_KINDS = 10
"""different texts, or whole numbers, up to which a column is taken for one of classes"""


@dataclass(frozen=True)
class Reading:
    """How the cells of one target column are read.

    Attributes:
        convention: how numbers are written; see `decimals`.
        classes: the labels of class 0 and of class 1; None for numbers.
        note: what was decided, where a person might have meant something else.
    """

    convention: str = POINT
    classes: tuple[str, str] | None = None
    note: str = ""

    def value(self, cell: str) -> float:
        """Return the number of a cell, or of its class; NaN where it is missing.

        Raises:
            ValueError: the cell is neither; the message says why.
        """
        if self.classes is not None and not _numeric_labels(self.classes):
            folded = [label.casefold() for label in self.classes]
            if cell.casefold() in folded:
                return float(folded.index(cell.casefold()))
        if cell.lower() in MISSING:
            return math.nan
        if self.classes is None:
            return parse_number(cell, self.convention)
        first, second = self.classes
        if not _numeric_labels(self.classes):
            raise ValueError(f"{cell!r} is neither {first!r} nor {second!r}")
        number = parse_number(cell, self.convention)
        if number not in (float(first), float(second)):
            raise ValueError(f"{cell!r} is neither {first} nor {second}")
        return float(number == float(second))


def read_column(place: str, cells: Sequence[str], task: str | None = None) -> Reading:
    """Decide how a target column is read, from all its cells.

    Two different texts are classes, and so are two different whole numbers (0 and 1, −1 and 1); `task` decides
    otherwise. Class 1 is the one that says yes, else the larger, else the later in the alphabet.

    Args:
        place: names the table and the column, for messages.
        cells: without whitespace around them.
        task: "regression" or "classification", if the user says so.

    Raises:
        TableError: the cells are more than two classes, or numbers that may be read in two ways.
    """
    known = [cell for cell in cells if cell.lower() not in MISSING]
    if set(known) == {"+"}:
        known += [cell for cell in cells if cell == "-"]
    numbers = [cell for cell in known if looks_numeric(cell)]
    if task != "regression" and 2 * len(numbers) < len(known):
        return _read_labels(place, known, task)
    return _read_numbers(place, numbers, task)


def _read_numbers(place: str, cells: Sequence[str], task: str | None) -> Reading:
    convention = convention_of(cells)
    if convention == UNCLEAR:
        cell = next(cell for cell in cells if "," in cell)
        raise TableError(
            f"{place}: {cell!r} may be {cell.replace(',', '')} or {cell.replace(',', '.')}; "
            "write a decimal point and no thousands separators."
        )
    values = Counter(value for cell in cells if (value := _number(cell, convention)) is not None)
    written = {GROUPED: "commas are read as thousands separators", COMMA: "commas are read as decimal points"}
    note = written.get(convention, "")
    bounds = [cell for cell in cells if is_bound(cell)]
    if bounds:
        note = _joined(note, f"{len(bounds)} of {len(cells)} values are bounds such as {bounds[0]!r} and are left out, "
                             "so the model does not learn what lies beyond them")  # fmt: skip
    if task == "regression" or not values:
        return Reading(convention, None, note)
    kinds = sorted(values)
    whole = all(value == int(value) for value in kinds)
    if set(kinds) <= {0.0, 1.0}:
        return Reading(convention, ZERO_ONE, note)
    if len(kinds) == 2 and (whole or task == "classification"):
        classes = (f"{kinds[0]:.15g}", f"{kinds[1]:.15g}")
        how = "" if task else "; if they are quantities, say --task regression"
        return Reading(convention, classes, _joined(note, f"two values, taken for classes{how}"))
    if task == "classification":
        raise TableError(
            f"{place}: {len(kinds)} different values ({_listed([f'{value:g}' for value in kinds])}), where two classes "
            "are expected; say --task regression to learn numbers, or make a column of 0 and 1 for each class."
        )
    if len(kinds) == 2 or (whole and len(kinds) <= _MOST_KINDS and len(cells) > 2 * len(kinds)):
        remedy = "say --task classification" if len(kinds) == 2 else "make a column of 0 and 1 for each"
        shown = _listed([f"{value:g}" for value in kinds])
        note = _joined(note, f"{len(kinds)} different values ({shown}), taken for numbers (--task regression); "
                             f"if they are classes, {remedy}")  # fmt: skip
    return Reading(convention, None, note)


def _read_labels(place: str, cells: Sequence[str], task: str | None) -> Reading:
    spellings = Counter(cells)
    best: dict[str, str] = {}
    for cell, _ in spellings.most_common():
        best.setdefault(cell.casefold(), cell)
    if len(best) == 1:
        raise TableError(
            f"{place}: all {len(cells)} values are {cells[0]!r} (one class only), so there is nothing to learn."
        )
    if len(best) > 2:
        pairs = [pair for pair in _PAIRS if set(pair) <= set(best)]
        if len(pairs) == 1:
            best = {label: best[label] for label in pairs[0]}
        elif task is None and len(best) > _MOST_KINDS:
            return Reading()  # no labels but text of another sort: each row says that it is not a number
        else:
            raise TableError(
                f"{place}: {len(best)} classes ({_listed([repr(label) for label in best.values()])}), where two are "
                "expected; make a column of 0 and 1 for each class."
            )
    first, second = sorted(best)
    if _says_yes(first, second):
        first, second = second, first
    classes = best[first], best[second]
    return Reading(
        POINT, classes, f"class 1 is {classes[1]!r}, class 0 is {classes[0]!r}; probabilities are of {classes[1]!r}"
    )


def _says_yes(label: str, other: str) -> bool:
    """Tell whether `label` is the positive one of two."""
    if (label in _POSITIVE and other not in _POSITIVE) or (other in _NEGATIVE and label not in _NEGATIVE):
        return True
    if label.endswith("+") and other.endswith("-"):
        return True
    return any(other == prefix + label for prefix in _NOT)


def _numeric_labels(classes: tuple[str, str]) -> bool:
    return all(looks_numeric(label) for label in classes)


def _number(cell: str, convention: str) -> float | None:
    try:
        return parse_number(cell, convention)
    except ValueError:
        return None


def _listed(names: Sequence[str], limit: int = 5) -> str:
    return ", ".join(names[:limit]) + (", …" if len(names) > limit else "")


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
