"""A table whose rows know where they stand."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.network.reject import Reject

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 12


def _same(row: int) -> int:
    return row


@dataclass(frozen=True)
class Rows:
    """A data frame, and the place of each of its rows for messages.

    Attributes:
        name: the file's name, or what the table is.
        frame: the cells, indexed from 0: text as it was in the file, or typed where the source is.
        unit: what the places are: "line" of a file, or "row".
        line: gives the place of a row.
        rejects: rows that could not be read.
    """

    name: str
    frame: pd.DataFrame
    unit: str = "row"
    line: Callable[[int], int] = field(default=_same, repr=False)
    rejects: tuple[Reject, ...] = ()

    def where(self, row: int, column: str | None = None) -> str:
        """`edges.csv, line 12, column 'weight'`."""
        place = f"{self.name}, {self.unit} {self.line(row)}"
        return place if column is None else f"{place}, column {column!r}"

    @property
    def header(self) -> str:
        """Where the names of the columns stand."""
        return f"{self.name}, line 1" if self.unit == "line" else self.name

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.frame.columns)

    def check(self, column: str, what: str) -> str:
        """Return `column` if there is such a one.

        Raises:
            TableError: there is not; the message says what it is wanted for and lists the columns there are.
        """
        if column in self.columns:
            return column
        lowered = {name.lower(): name for name in self.columns}
        close = difflib.get_close_matches(column.strip().lower(), lowered, n=1, cutoff=0.6)
        similar = f" (did you mean {lowered[close[0]]!r}?)" if close else ""
        shown = ", ".join(repr(name) for name in self.columns[:_SHOWN])
        more = f", and {len(self.columns) - _SHOWN} more" if len(self.columns) > _SHOWN else ""
        raise TableError(f"{self.header}: no column {column!r} for the {what}{similar}; the columns are {shown}{more}.")
