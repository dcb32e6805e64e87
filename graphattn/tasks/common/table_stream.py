"""A table too large for memory, some rows at a time."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.opening import open_bytes, read_bytes
from graphattn.tasks.common.table import BareList, Table, text_records, with_header
from graphattn.tasks.common.text_encoding import decode

LARGE = 1 << 25
"""bytes from which a file is not held in memory"""
_ROWS, _BLOCK = 4096, 1 << 16


@dataclass(frozen=True)
class TableStream:
    """A table in parts.

    Attributes:
        name, columns, unit: as of a `Table`.
        parts: tables with these columns, one after another; they can be taken once.
        total: how many rows there are, about.
    """

    name: str
    columns: list[str]
    parts: Iterator[Table]
    total: int
    unit: str = "line"

    def map(self, change: Callable[[Table], Table]) -> TableStream:
        """Return the stream with each part changed."""
        empty = change(Table(self.name, self.columns, [], [], self.unit))
        return replace(self, columns=empty.columns, parts=map(change, self.parts))

    def peek(self) -> tuple[Table, TableStream]:
        """Return the first part, and the stream with it."""
        first = next(self.parts)
        return first, replace(self, parts=chain([first], self.parts))


def stream_of(table: Table) -> TableStream:
    """Return a table that is in memory, in one part."""
    return TableStream(table.name, table.columns, iter([table]), len(table.rows), table.unit)


def stream_text(path: Path, encoding: str | None = None, bare_list: BareList | None = None) -> TableStream:
    """Open a text file, packed with gzip or not, that is read while its parts are taken; see `read_table`.

    What is wrong further down in the file is therefore said when it is reached.

    Raises:
        TableError: as `read_table`.
    """
    with open_bytes(path) as file:
        start = file.read(_BLOCK)
    head = decode(start[: start.rfind(b"\n") + 1] or start, str(path), encoding)
    columns, rows = with_header(str(path), text_records(_lines(path, encoding), head, str(path)), bare_list, "line")
    return TableStream(str(path), columns, _parts(str(path), columns, rows), _count_lines(path))


def _parts(name: str, columns: list[str], rows: Iterator[tuple[int, list[str]]]) -> Iterator[Table]:
    while some := list(islice(rows, _ROWS)):
        yield Table(name, columns, [cells for _, cells in some], [line for line, _ in some])


def _lines(path: Path, encoding: str | None) -> Iterator[str]:
    try:
        with open_bytes(path) as file, io.TextIOWrapper(file, encoding or "utf-8-sig", newline="") as text:
            yield from text
    except UnicodeError:
        decode(read_bytes(path), str(path), encoding)  # raises, naming the place
    except (OSError, EOFError, zlib.error) as error:
        raise TableError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def _count_lines(path: Path) -> int:
    count = 0
    try:
        with open_bytes(path) as file:
            while block := file.read(1 << 20):
                count += block.count(b"\n")
    except (OSError, EOFError, zlib.error):
        pass  # said when it is read
    return count
