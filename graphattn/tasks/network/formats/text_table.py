"""A table of text, CSV or TSV: fast where it is sound, with care where it is not."""

from __future__ import annotations

import csv
import io
import re
import zlib
from array import array
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.opening import open_bytes
from graphattn.tasks.common.table import Ragged, read_table
from graphattn.tasks.common.text_encoding import separator_of
from graphattn.tasks.network.formats.fast_table import Plan, UnfitError, read_fast
from graphattn.tasks.network.reject import Reject
from graphattn.tasks.network.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

_DECIMAL = re.compile(r"[+-]?\d*\.\d*[1-9]\d*([eE][+-]?\d+)?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
_ODD = re.compile(rb"[\n,;\t|](?:-?0\d|-0[\r\n,;\t|])|[ \"+]")
_HEAD = 1 << 16  # bytes that tell header, separator and columns of decimals
Progress = Callable[[int, int], None] | None


class _CarefulError(Exception):
    """The fast readers cannot say what is wrong; read with care."""


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
        plan = _head(path, encoding, coded=coded)
        frame = _fast(path, plan, progress)
    except _CarefulError:
        return _careful(path, encoding, coded=coded)
    lines = cache(lambda: _line_numbers(path, plan, len(frame)))
    return Rows(str(path), frame, "line", lambda row: lines()[row])


def _head(path: Path, encoding: str | None, *, coded: bool) -> Plan:
    """Tell from the first rows how the file is to be read."""
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
    plan = Plan(header, separator, encoding, coded, [], [])
    for at, name in enumerate(header if coded else []):
        cells = [row[at] for row in rows[1:] if len(row) > at]
        if all(map(_WHOLE.fullmatch, cells)):
            plan.wholes.append(name)
        elif all(map(_NUMBER.fullmatch, cells)) and 2 * sum(map(bool, map(_DECIMAL.fullmatch, cells))) > len(cells):
            plan.decimals.append(name)
    return plan


def _fast(path: Path, plan: Plan, progress: Progress) -> pd.DataFrame:
    """Read with the types that the first rows suggest, with wider ones where these do not hold."""
    if len(plan.header) == 1:  # pyarrow and pandas drop empty lines, of which a row may consist here
        raise _CarefulError
    for types in plan.attempts(plain=bool(plan.wholes) and _is_plain(path)):
        try:
            with open_bytes(path, progress) as file:
                frame = read_fast(file, plan, types)
        except UnfitError:
            continue
        if not len(frame) or len(frame.columns) != len(plan.header) or _is_cut(path, plan):
            break
        return frame
    raise _CarefulError


def _is_plain(path: Path) -> bool:
    """Tell whether whole numbers are all written as Python would, so that 7 is never 07, +7 or "7"."""
    try:
        with open_bytes(path) as file:
            last = file.readline()[-1:]  # the header may be as it likes
            while block := file.read(1 << 20):
                if _ODD.search(last + block):
                    return False
                last = (last + block)[-3:]
    except (OSError, EOFError, zlib.error):
        return False
    return True


def _is_cut(path: Path, plan: Plan) -> bool:
    """Tell whether the last line has no end and fewer cells than the header."""
    with path.open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            return False  # a cut gzip file says so itself
        file.seek(0, io.SEEK_END)
        file.seek(max(file.tell() - _HEAD, 0))
        last = file.read().decode(plan.encoding or "utf-8", errors="replace").rpartition("\n")[2]
    return bool(last.strip()) and len(next(csv.reader([last], delimiter=plan.separator))) < len(plan.header)


def _line_numbers(path: Path, plan: Plan, rows: int) -> Sequence[int]:
    """The line on which each row begins; counted only when something is to be said about one."""
    with open_bytes(path) as file:
        last = file.readline()
        plain = last.count(b'"') % 2 == 0 and last.strip() != b""
        last = last[-1:]
        while plain and (block := file.read(1 << 20)):
            plain = b'"' not in block and b"\n\n" not in last + block and b"\n\r" not in last + block
            last = block[-1:]
    if plain:
        return range(2, rows + 2)
    found, line = array("q"), 1
    with open_bytes(path) as file:
        reader = csv.reader(io.TextIOWrapper(file, plan.encoding or "utf-8-sig", newline=""), delimiter=plan.separator)
        for cells in reader:
            if cells:
                found.append(line)
            line = reader.line_num + 1
    return found[1:]


def _careful(path: Path, encoding: str | None, *, coded: bool) -> Rows:
    """Read row by row; rows that do not fit the header are rejected."""
    import pandas as pd

    table = read_table(path, encoding=encoding)
    rows = [(line, cells) for line, cells in zip(table.lines, table.rows, strict=True) if cells]
    with path.open("rb") as file:
        header = file.readline().decode(encoding or "utf-8", errors="replace")
    cut = _is_cut(path, Plan(table.columns, separator_of(header), encoding, coded, [], []))
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
    lines = [line for line, _ in kept]
    frame = pd.DataFrame([cells for _, cells in kept], columns=table.columns, dtype=object)
    if coded and frame.columns.is_unique:
        frame = frame.astype("category")
    return Rows(str(path), frame, "line", lines.__getitem__, tuple(rejects))
