"""A table of text, CSV or TSV: fast where it is sound, with care where it is not."""

from __future__ import annotations

import csv
import io
import re
import warnings
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.table import Ragged, read_table
from graphattn.tasks.common.text_encoding import separator_of
from graphattn.tasks.network.formats.chunks import ROWS, coded_frame
from graphattn.tasks.network.formats.opening import open_bytes
from graphattn.tasks.network.rejects import Reject
from graphattn.tasks.network.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

_DECIMAL = re.compile(r"[+-]?\d*\.\d*[1-9]\d*([eE][+-]?\d+)?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_HEAD = 1 << 16  # bytes that tell header, separator and columns of decimals
Progress = Callable[[int, int], None] | None


class _CarefulError(Exception):
    """The fast readers cannot tell what is wrong; read with care."""


def read_text_table(path: Path, encoding: str | None = None, progress: Progress = None, *, coded: bool = False) -> Rows:
    """Read a CSV or TSV file: text in every cell, as it is in the file.

    pyarrow reads it where it is installed, else pandas. Where they find fault, it is read again row by row.

    Args:
        path: the file, packed with gzip or not; the separator is the one that the header has.
        encoding: a Python codec name; None means UTF-8.
        progress: called with the bytes read and the size of the file.
        coded: keep each different cell once, and columns of decimals as numbers: what millions of edges need.

    Raises:
        TableError: the file is empty, its packing is cut, or it is no text in that encoding; or no row is left.
    """
    try:
        header, separator, decimals = _head(path, encoding)
        frame = _fast(path, header, separator, encoding, progress, coded, decimals if coded else ())
    except _CarefulError:
        return _careful(path, encoding, coded=coded)
    lines = cache(lambda: _line_numbers(path, separator, encoding, len(frame)))
    return Rows(str(path), frame, "line", lambda row: int(lines()[row]))


def _head(path: Path, encoding: str | None) -> tuple[list[str], str, list[str]]:
    """Header, separator, and the columns whose first cells are all decimals."""
    try:
        with open_bytes(path) as file:
            start = file.read(_HEAD)
        text = start.decode(encoding or "utf-8-sig", errors="replace")
    except (OSError, EOFError, zlib.error, LookupError, UnicodeError):
        raise _CarefulError from None
    lines = text.splitlines()
    if not lines or not lines[0].strip() or "\0" in text or start[:3] == b"PAR":
        raise _CarefulError
    separator = separator_of(lines[0])
    rows = list(csv.reader(lines[: -1 if len(start) == _HEAD else None], delimiter=separator))
    header = [name.strip() for name in rows[0]]
    if len(rows) < 2 or len(set(header)) < len(header):
        raise _CarefulError
    decimals = []
    for at, name in enumerate(header):
        cells = [row[at].strip() for row in rows[1:] if len(row) > at]
        if all(_NUMBER.fullmatch(cell) for cell in cells) and 2 * sum(map(bool, map(_DECIMAL.fullmatch, cells))) > len(
            cells
        ):
            decimals.append(name)
    return header, separator, decimals


def _fast(
    path: Path,
    header: list[str],
    separator: str,
    encoding: str | None,
    progress: Progress,
    coded: bool,
    decimals: list[str] | tuple[str, ...],
) -> pd.DataFrame:
    try:
        import pyarrow.csv  # noqa: F401
    except ImportError:
        read = _by_pandas
    else:
        read = _by_arrow
    if len(header) == 1:  # pyarrow and pandas drop empty lines, of which a row may consist here
        raise _CarefulError
    with open_bytes(path, progress) as file:
        frame = read(file, header, separator, encoding, coded, decimals)
    if not len(frame) or len(frame.columns) != len(header) or _is_cut(path, header, encoding):
        raise _CarefulError
    frame.columns = header
    return frame


def _by_arrow(
    file: Any, header: list[str], separator: str, encoding: str | None, coded: bool, decimals: Any
) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    text = pa.dictionary(pa.int32(), pa.string()) if coded else pa.string()
    try:
        table = arrow_csv.read_csv(
            file,
            read_options=arrow_csv.ReadOptions(encoding=encoding or "utf8", column_names=header, skip_rows=1),
            parse_options=arrow_csv.ParseOptions(delimiter=separator),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: pa.float64() if name in decimals else text for name in header},
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowException, OSError, EOFError, zlib.error, LookupError, UnicodeError):
        raise _CarefulError from None
    if coded:
        table = table.unify_dictionaries()
    return table.to_pandas(self_destruct=True, split_blocks=True)


def _by_pandas(
    file: Any, header: list[str], separator: str, encoding: str | None, coded: bool, decimals: Any
) -> pd.DataFrame:
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            found = pd.read_csv(
                file,
                sep=separator,
                header=0,
                names=header,
                index_col=False,
                dtype={name: np.float64 if name in decimals else str for name in header},
                chunksize=ROWS if coded else None,
                keep_default_na=False,
                na_values={name: [""] for name in decimals},
                encoding=encoding or "utf-8-sig",
            )
            return coded_frame(found) if coded else found
    except (ValueError, pd.errors.ParserWarning, OSError, EOFError, zlib.error, LookupError):
        raise _CarefulError from None


def _is_cut(path: Path, header: list[str], encoding: str | None) -> bool:
    """Tell whether the last line has no end and fewer cells than the header."""
    with path.open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            return False  # a cut gzip file says so itself
        file.seek(0, io.SEEK_END)
        file.seek(max(file.tell() - _HEAD, 0))
        last = file.read().decode(encoding or "utf-8", errors="replace").rpartition("\n")[2]
    with path.open("rb") as file:
        separator = separator_of(file.readline().decode(encoding or "utf-8", errors="replace"))
    return bool(last.strip()) and len(next(csv.reader([last], delimiter=separator), header)) < len(header)


def _line_numbers(path: Path, separator: str, encoding: str | None, rows: int) -> NDArray[np.int64]:
    """The line on which each row begins; counted only when something is to be said about one."""
    plain = True
    with open_bytes(path) as file:
        last = b""
        while plain and (block := file.read(1 << 20)):
            plain = b'"' not in block and b"\n\n" not in last + block and b"\n\r" not in last + block
            last = block[-1:]
    if plain:
        return np.arange(2, rows + 2)
    found, line = [], 1
    with open_bytes(path) as file:
        reader = csv.reader(io.TextIOWrapper(file, encoding or "utf-8-sig", newline=""), delimiter=separator)
        for cells in reader:
            if cells:
                found.append(line)
            line = reader.line_num + 1
    return np.array(found[1:])


def _careful(path: Path, encoding: str | None, *, coded: bool) -> Rows:
    """Read row by row; rows that do not fit the header are rejected."""
    import pandas as pd

    table = read_table(path, encoding=encoding)
    rows = [(line, cells) for line, cells in zip(table.lines, table.rows, strict=True) if cells]
    cut = _is_cut(path, table.columns, encoding)
    rejects, kept = [], []
    for line, cells in rows:
        if isinstance(cells, Ragged):
            rejects.append(Reject(str(path), line, table.columns[-1], cells[-1], cells.reason))
        elif cut and line == rows[-1][0]:
            reason = "the file ends in the middle of this row; it seems to be cut"
            rejects.append(Reject(str(path), line, table.columns[-1], "", reason))
        else:
            kept.append((line, cells))
    if not kept:
        raise TableError(f"{path}, line {rejects[0].line}: {rejects[0].reason}; no row is left.")
    lines = np.array([line for line, _ in kept])
    frame = pd.DataFrame([cells for _, cells in kept], columns=table.columns, dtype=object)
    if coded and frame.columns.is_unique:
        frame = frame.astype("category")
    return Rows(str(path), frame, "line", lambda row: int(lines[row]), tuple(rejects))
