"""Write a table some rows at a time: CSV, TSV, Parquet or Excel, as the name of the file says."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from graphattn.files import growing, partial_name
from graphattn.tasks.common.errors import SettingsError

Columns = Sequence[Sequence[str] | NDArray[Any]]
Write = Callable[[Columns], None]
"""writes some rows, given as their columns: texts, or numbers with NaN for an empty cell"""

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".xlsx")
_MOST_EXCEL_ROWS = 1_048_576


def check_out(out: Path | None, suffixes: Sequence[str] = SUFFIXES) -> None:
    """Refuse, before the work, what cannot be written.

    Raises:
        SettingsError: it is a directory, of no known kind, or of one whose library is not installed.
    """
    if out is None:
        return
    if out.is_dir():
        raise SettingsError(f"--out {out} is a directory; a file to write is expected.")
    suffix = out.suffix.lower()
    if suffix and suffix not in suffixes:
        raise SettingsError(f"--out {out}: its name should end in {', '.join(suffixes)}.")
    if suffix in (".parquet", ".xlsx"):
        _require(out, "pyarrow" if suffix == ".parquet" else "openpyxl")


@contextmanager
def table_writer(out: Path, names: Sequence[str], *, append: bool = False) -> Iterator[Write]:
    """Open a file that rows are written to; it takes its name when the block ends, see `files.growing`.

    Args:
        out: the file; `check_out` has seen it.
        names: the header.
        append: write behind the rows of an interrupted run; see `finished_rows`.
    """
    suffix = out.suffix.lower()
    if suffix in (".parquet", ".xlsx"):
        partial = partial_name(out)
        partial.parent.mkdir(parents=True, exist_ok=True)
        with (_parquet if suffix == ".parquet" else _excel)(partial, names) as write:
            yield write
        partial.replace(out)
        return
    with growing(out, append=append) as file:
        yield csv_writer(file, None if append else names, separator_of(out))


def separator_of(out: Path) -> str:
    """Return what stands between the cells of a file of this name."""
    return "\t" if out.suffix.lower() == ".tsv" else ","


def finished_rows(out: Path, names: Sequence[str]) -> Iterator[list[str]]:
    """Yield the whole rows that an interrupted run left, and cut off the rest when all are taken.

    Args:
        out: the file that it was to write; rows are in the one of its `partial_name`.
        names: the header.

    Raises:
        SettingsError: no such file can be gone on with, or it has another header.
    """
    if out.suffix.lower() in (".parquet", ".xlsx"):
        raise SettingsError(f"--resume goes on with .csv and .tsv files; {out.name} must be written anew.")
    partial = partial_name(out)
    read = end = 0
    if not partial.exists():
        raise SettingsError(f"there is nothing to resume: no {partial}.")
    with partial.open("rb") as file:

        def lines() -> Iterator[str]:
            nonlocal read
            for line in file:
                read += len(line)
                if line.endswith(b"\n"):
                    yield line.decode("utf-8", errors="replace")

        reader = csv.reader(lines(), delimiter=separator_of(out))
        if next(reader, None) != list(names):
            raise SettingsError(f"{partial} has another header than this command would write; run it without --resume.")
        end = read
        for cells in reader:
            if len(cells) != len(names):
                break
            end = read
            yield cells
    os.truncate(partial, end)


def csv_writer(file: TextIO, names: Sequence[str] | None, separator: str = ",") -> Write:
    """Write the header, if there is one, and return what writes rows."""
    writer = csv.writer(file, lineterminator="\n", delimiter=separator)
    if names is not None:
        writer.writerow(names)

    def write(columns: Columns) -> None:
        writer.writerows(zip(*map(_texts, columns), strict=True))
        file.flush()

    return write


def cell_text(value: Any) -> str:
    """Return what stands in a CSV file for a text or a number."""
    return value if isinstance(value, str) else "" if np.isnan(value) else f"{value:.6g}"


def _texts(column: Sequence[str] | NDArray[Any]) -> Sequence[str]:
    return [cell_text(value) for value in column]


@contextmanager
def _parquet(path: Path, names: Sequence[str]) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer: Any = None

    def write(columns: Columns) -> None:
        nonlocal writer
        arrays = [_arrow(pa, column) for column in columns]
        table = pa.Table.from_arrays(arrays, names=list(names))
        if writer is None:
            writer = pq.ParquetWriter(path, table.schema)
        writer.write_table(table)

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()


def _arrow(pa: Any, column: Sequence[str] | NDArray[Any]) -> Any:
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        return pa.array(column, from_pandas=True)  # NaN becomes null
    return pa.array(list(column), pa.string())


@contextmanager
def _excel(path: Path, names: Sequence[str]) -> Iterator[Write]:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet("predictions")
    rows = 0

    def cell(value: Any) -> Any:
        if not isinstance(value, str):
            return None if np.isnan(value) else float(value)
        made = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
        made.data_type = "s"  # a text that begins with = is no formula
        return made

    def write(columns: Columns) -> None:
        nonlocal rows
        for values in zip(*columns, strict=True):
            rows += 1
            if rows == _MOST_EXCEL_ROWS:
                raise SettingsError(f"an Excel sheet holds {_MOST_EXCEL_ROWS:,} rows; write .csv or .parquet.")
            sheet.append([cell(value) for value in values])

    sheet.append([cell(name) for name in names])
    try:
        yield write
    finally:
        book.save(path)


def _require(out: Path, library: str) -> None:
    try:
        __import__(library)
    except ImportError:
        raise SettingsError(
            f"--out {out} needs {library}, which is not installed; install graphattn[tables], or write .csv."
        ) from None
