"""A table of text cells that remembers the line each row came from."""

from __future__ import annotations

import csv
import dataclasses
import difflib
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.excel import read_excel_rows
from graphattn.tasks.common.opening import read_bytes
from graphattn.tasks.common.parquet import read_parquet_frame
from graphattn.tasks.common.text_encoding import decode, separator_of

if TYPE_CHECKING:
    import pandas as pd

BareList = Callable[[str], str | None]
"""Returns the name of the only column where the first line of a file is no header; None where it is one."""
_SHOWN_COLUMNS = 12
_ZIP, _PARQUET = b"PK\x03\x04", b"PAR1"


@dataclass(frozen=True)
class Table:
    """Rows of text cells.

    Cells stay the text they were, so that what is written back is what was read.

    Attributes:
        name: where the table comes from, for messages.
        columns: the header, whitespace around the names dropped.
        rows: one list of cells a row, as long as the header; `[]` for a blank line.
        lines: the line of the file on which each row begins, counted from 1 with the header; for a data frame
            the row's position, counted from 0.
        unit: what `lines` counts: "line" or "row".
    """

    name: str
    columns: list[str]
    rows: list[list[str]]
    lines: list[int]
    unit: str = "line"

    def column(self, name: str) -> int:
        """Return the position of a column.

        Raises:
            TableError: there is none of that name (the message lists those there are), or several.
        """
        found = [position for position, column in enumerate(self.columns) if column == name.strip()]
        if len(found) == 1:
            return found[0]
        header = f"{self.name}, line 1" if self.unit == "line" else self.name
        if found:
            places = " and ".join(str(position + 1) for position in found)
            raise TableError(
                f"{header}: column {name!r} appears {len(found)} times (fields {places}); rename all but one."
            )
        shown = ", ".join(repr(column) for column in self.columns[:_SHOWN_COLUMNS])
        more = f", and {len(self.columns) - _SHOWN_COLUMNS} more" if len(self.columns) > _SHOWN_COLUMNS else ""
        raise TableError(f"{header}: no column {name!r}{self._similar(name)}; the columns are {shown}{more}.")

    def where(self, row: int, column: str | None = None) -> str:
        """Name the place of a row, and of a column in it: `data.csv, line 12, column 'logS'`."""
        place = f"{self.name}, {self.unit} {self.lines[row]}"
        return place if column is None else f"{place}, column {column!r}"

    def cell(self, row: int, column: int) -> str:
        """Return one cell without the whitespace around it; a blank line has empty cells."""
        cells = self.rows[row]
        return cells[column].strip() if cells else ""

    def _similar(self, name: str) -> str:
        lowered = {column.lower(): column for column in self.columns}
        close = difflib.get_close_matches(name.strip().lower(), lowered, n=1, cutoff=0.6)
        if not close:
            close = [column for column in lowered if name.strip() and name.strip().lower() in column][:1]
        return f" (did you mean {lowered[close[0]]!r}?)" if close else ""


def read_table(
    source: str | Path | pd.DataFrame | Table, *, encoding: str | None = None, bare_list: BareList | None = None
) -> Table:
    """Read a table from a file, from standard input or from a data frame.

    The separator (comma, tab, semicolon or bar) is the one the header holds. A row longer than the header
    becomes `Ragged`; a shorter one is filled with empty cells.

    Args:
        source: a path of a text file, which may be packed with gzip, of a Parquet file or an Excel workbook; `-` for
            standard input; or a data frame.
        encoding: a Python codec name; None means UTF-8.
        bare_list: tells, from the first line of a file with one column, whether that line is a row rather than a
            header; None where a header is a must.

    Raises:
        TableError: the file is missing, empty, has no row below its header, or is no text in that encoding.
    """
    if isinstance(source, Table):
        return source
    if not isinstance(source, (str, Path)):
        return _from_frame(source)
    if str(source) == "-":
        return parse_table(sys.stdin.buffer.read(), "standard input", encoding, bare_list)
    path = Path(source)
    data = read_bytes(path)
    if data.startswith(_PARQUET):
        return dataclasses.replace(_from_frame(read_parquet_frame(path)), name=str(path))
    if data.startswith(_ZIP) and path.suffix.lower() in (".xlsx", ".xlsm"):
        return _assembled(str(path), read_excel_rows(path), bare_list, "row")
    return parse_table(data, str(path), encoding, bare_list)


def parse_table(data: bytes, name: str, encoding: str | None = None, bare_list: BareList | None = None) -> Table:
    """Read a table from the bytes of a CSV file; see `read_table`."""
    text = decode(data, name, encoding)
    if not text.strip():
        raise TableError(f"{name}, line 1: the file is empty; a header line and rows below it are expected.")
    return _assembled(name, text_records(io.StringIO(text, newline=""), text, name), bare_list, "line")


def _assembled(name: str, records: Iterator[tuple[int, list[str]]], bare_list: BareList | None, unit: str) -> Table:
    columns, rows = with_header(name, records, bare_list, unit)
    each = list(rows)
    return Table(name, columns, [cells for _, cells in each], [line for line, _ in each], unit)


def with_header(
    name: str, records: Iterator[tuple[int, list[str]]], bare_list: BareList | None, unit: str
) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Return the header, which is the first record that is not blank, and the rows below it with their lines.

    Blank records at the end are no rows.

    Raises:
        TableError: there is no row.
    """
    line, header = next(((line, cells) for line, cells in records if cells), (1, []))
    if not header:
        raise TableError(f"{name} is empty; a header and rows below it are expected.")
    column = bare_list(header[0]) if bare_list is not None and len(header) == 1 else None
    columns = [cell.strip() for cell in header] if column is None else [column]
    rows = _rows(records if column is None else chain([(line, header)], records), len(columns))
    first = next(rows, None)
    if first is None:
        raise TableError(f"{name}, {unit} {line}: there is a header but no row below it.")
    return columns, chain([first], rows)


def _rows(records: Iterable[tuple[int, list[str]]], width: int) -> Iterator[tuple[int, list[str]]]:
    blank: list[tuple[int, list[str]]] = []
    for line, cells in records:
        if not cells:
            blank.append((line, cells))
            continue
        yield from blank
        blank.clear()
        yield line, _fitted(cells, width)


def _fitted(cells: list[str], width: int) -> list[str]:
    if not cells or len(cells) == width:
        return cells
    return cells + [""] * (width - len(cells)) if len(cells) < width else Ragged(cells, width)


class Unusable(list[str]):
    """The cells of a row that cannot be used.

    Attributes:
        reason: why, for the person who wrote it.
        at: the position of the column at fault.
    """

    def __init__(self, cells: list[str], reason: str, at: int) -> None:
        super().__init__(cells)
        self.reason, self.at = reason, at


class Ragged(Unusable):
    """The cells of a row longer than the header, the surplus kept in the last cell."""

    def __init__(self, cells: list[str], width: int) -> None:
        super().__init__(
            [*cells[: width - 1], ",".join(cells[width - 1 :])],
            f"{len(cells)} values where the header has {width}; a value that holds the separator must stand in quotes",
            width - 1,
        )


def text_records(raw_lines: Iterable[str], head: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line and the cells of each record of a text.

    Args:
        raw_lines: with their ends.
        head: the beginning of the text, which tells the separator.
        name: for messages.
    """
    header = next((line for line in io.StringIO(head, newline="") if line.strip()), "")
    quotes = 0

    def counted() -> Iterator[str]:
        nonlocal quotes
        for line in raw_lines:
            quotes += line.count('"')
            yield line

    reader = csv.reader(counted(), delimiter=separator_of(header))
    line = 1
    try:
        for cells in reader:
            if quotes % 2 and reader.line_num > line:  # it ran over lines, and no second quote stopped it
                raise TableError(f"{name}, line {line}: a quote opened here is never closed.")
            yield line, cells
            line, quotes = reader.line_num + 1, 0
    except csv.Error as error:
        raise TableError(f"{name}, line {line}: this is not CSV ({error}).") from None


def _from_frame(frame: pd.DataFrame) -> Table:
    if not hasattr(frame, "columns") or not hasattr(frame, "itertuples"):
        raise TypeError(f"a path or a pandas DataFrame is expected, got {type(frame).__name__}")
    if not len(frame):
        raise TableError("The data frame has no rows.")
    missing = frame.isna().to_numpy()
    rows = [
        ["" if gone else str(value) for value, gone in zip(values, gaps, strict=True)]
        for values, gaps in zip(frame.itertuples(index=False, name=None), missing, strict=True)
    ]
    return Table("the data frame", [str(c).strip() for c in frame.columns], rows, list(range(len(rows))), unit="row")
