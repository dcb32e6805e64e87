"""Rows of a table that cannot be used: which, why, and the file that lists them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graphattn.files import write_text
from graphattn.tasks.common.table import Ragged, Table


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
    """Refuse a row with more values than the header: they may stand in the wrong columns.

    Raises:
        RejectedError: the row is `Ragged`.
    """
    cells = table.rows[row]
    if isinstance(cells, Ragged):
        raise RejectedError(table.columns[-1], cells[-1], cells.reason)


def write_rejects(path: Path, table: Table, rejects: Sequence[Reject]) -> None:
    """Write the rows left out: line, column, value and reason, then the cells as they were."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([table.unit, "column", "value", "reason", *table.columns])
    for reject in rejects:
        writer.writerow([table.lines[reject.row], reject.column, reject.value, reject.reason, *table.rows[reject.row]])
    write_text(path, buffer.getvalue())
