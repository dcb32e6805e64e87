"""What was left out of a network, where it stood and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from graphattn.files import write_text
from graphattn.tasks.common.errors import TableError
from graphattn.tasks.network.reject import Reject

if TYPE_CHECKING:
    from graphattn.tasks.network.rows import Rows


class Rejects:
    """Collects what is left out.

    Args:
        most: how many may be; one more raises `TableError`. None: any number.
    """

    def __init__(self, most: int | None = None) -> None:
        if most is not None and most < 0:
            raise ValueError(f"max_rejects must be 0 or more, got {most}")
        self.most = most
        self.found: list[Reject] = []

    def take(self, rejects: Sequence[Reject]) -> None:
        """Take over what was rejected while a file was parsed."""
        for reject in rejects:
            self._take(reject, f"{reject.file}, line {reject.line}, column {reject.column!r}")

    def add(self, rows: Rows, row: int, column: str, value: str, reason: str) -> None:
        """Note down one cell."""
        self._take(Reject(rows.name, rows.line(row), column, value, reason), rows.where(row, column))

    def _take(self, reject: Reject, place: str) -> None:
        self.found.append(reject)
        if self.most is not None and len(self.found) > self.most:
            raise TableError(
                f"{place}: {reject.reason}; that is one more than the {self.most} that may be left out (--max-rejects)."
            )


def write_rejects(path: Path, rejects: Sequence[Reject]) -> None:
    """Write a CSV file with the columns file, line, column, value, reason."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(Reject._fields)
    writer.writerows(rejects)
    write_text(path, buffer.getvalue())
