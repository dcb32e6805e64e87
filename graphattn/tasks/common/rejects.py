"""Rows of a table that cannot be used: which, why, and the file that lists them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from graphattn.files import growing, write_text
from graphattn.tasks.common.table import Table, Unusable

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class Reject:
    """A row that was left out: its position in the table, the column at fault, what stood there and why not."""

    row: int
    column: str
    value: str
    reason: str


class RejectedError(Exception):
    """Raised by the check of a row, with the column, the value and the reason as its arguments."""


def check_fields(table: Table, row: int) -> None:
    """Refuse a row that the reading of its table found unusable, such as one with more values than the header.

    Raises:
        RejectedError: the row is `Unusable`.
    """
    cells = table.rows[row]
    if isinstance(cells, Unusable):
        raise RejectedError(table.columns[cells.at], cells[cells.at], cells.reason)


def write_rejects(path: Path, table: Table, rejects: Sequence[Reject]) -> None:
    """Write the rows left out: line, column, value and reason, then the cells as they were."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([table.unit, "column", "value", "reason", *table.columns])
    for reject in rejects:
        writer.writerow([table.lines[reject.row], reject.column, reject.value, reject.reason, *table.rows[reject.row]])
    write_text(path, buffer.getvalue())


class RejectsFile:
    """A file of rows left out that grows while a table is read; without any row there is none in the end.

    Args:
        path: the file; None counts only.
        unit, columns: of the table.

    Attributes:
        count: of the rows.
        first: where the first stands, and why it was left out; "" without any.
    """

    def __init__(self, path: Path | None, unit: str, columns: Sequence[str]) -> None:
        self.path = path
        self.count, self.first = 0, ""
        self._header = [unit, "column", "value", "reason", *columns]
        self._stack = ExitStack()
        self._writer: Any = None

    def add(self, where: str, line: int, reject: Reject, cells: Sequence[str]) -> None:
        """Write one row; `where` names its place, for `first`."""
        self.count += 1
        self.first = self.first or f"{where}: {reject.reason}"
        if self.path is None:
            return
        if self._writer is None:
            self._writer = csv.writer(self._stack.enter_context(growing(self.path)), lineterminator="\n")
            self._writer.writerow(self._header)
        self._writer.writerow([line, reject.column, reject.value, reject.reason, *cells])

    def __enter__(self) -> Self:
        """Return the file itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the file its name, or remove that of an earlier run."""
        self._stack.__exit__(kind, error, trace)
        if kind is None and self.path is not None and not self.count:
            self.path.unlink(missing_ok=True)
