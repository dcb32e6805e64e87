"""A list of edges: two ids a line, and perhaps a weight, with spaces, tabs or commas between them and no header."""

from __future__ import annotations

import ast
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.opening import open_bytes, read_bytes
from graphattn.tasks.common.text_encoding import decode
from graphattn.tasks.network.formats.chunks import ROWS, coded_frame
from graphattn.tasks.network.rows import Rows

_COMMENTS = ("#", "%")
_SPLIT = re.compile(r"[,\s]+")
_NAMES = ["source", "target", "weight"]


def read_edge_list(path: Path, encoding: str | None = None, progress: Callable[[int, int], None] | None = None) -> Rows:
    """Read a list of edges; lines that begin with # or % are remarks.

    NetworkX's `{'weight': 2}` after the two ids is understood.

    Raises:
        TableError: a line holds fewer than two values or more than three; or the file is empty, cut or no text.
    """
    import pandas as pd

    try:
        with open_bytes(path) as file:
            head = file.read(1 << 16)
    except (OSError, EOFError, zlib.error):
        head = b""
    first = [line for line in head.splitlines() if line.strip()]
    if first and b"," not in first[0] and not any(mark in head for mark in (b"#", b"%", b"{", b'"', b"\0")):
        width = len(first[0].split())
        try:
            with open_bytes(path, progress) as file:
                chunks = pd.read_csv(
                    file,
                    sep=r"\s+",
                    header=None,
                    names=_NAMES[:width],
                    index_col=False,
                    dtype=str,
                    chunksize=ROWS,
                    keep_default_na=False,
                    na_values=[""],
                    encoding=encoding or "utf-8",
                )
                frame = coded_frame(chunks)
            if width in (2, 3) and len(frame) and not frame.iloc[:, -1].isna().any():
                return Rows(str(path), frame, "line", lambda row: _line(path, row))
        except (ValueError, OSError, EOFError, zlib.error, LookupError):
            pass  # the careful way says what is wrong
    return _careful(path, encoding)


def _careful(path: Path, encoding: str | None) -> Rows:
    import pandas as pd

    text = decode(read_bytes(path), str(path), encoding)
    cells, lines = [], []
    for line, written in enumerate(text.splitlines(), start=1):
        if not written.strip() or written.lstrip().startswith(_COMMENTS):
            continue
        cells.append(_cells(str(path), line, written.strip()))
        lines.append(line)
    if not cells:
        raise TableError(f"{path}: there is no edge.")
    width = max(len(row) for row in cells)
    short = next((line for line, row in zip(lines, cells, strict=True) if len(row) < width), None)
    if short is not None:
        raise TableError(f"{path}, line {short}: there is no weight, but other lines have one; is the file cut here?")
    places = np.array(lines)
    frame = pd.DataFrame(cells, columns=_NAMES[:width], dtype=object).astype("category")
    return Rows(str(path), frame, "line", lambda row: int(places[row]))


def _cells(name: str, line: int, written: str) -> list[str]:
    before, brace, _ = written.partition("{")
    cells = _SPLIT.split(before.strip())
    if brace:
        try:
            carried = ast.literal_eval(written[len(before) :])
        except (ValueError, SyntaxError):
            raise TableError(
                f"{name}, line {line}: {written[len(before) :]!r} cannot be read; is the file cut here?"
            ) from None
        cells += [str(carried["weight"])] if "weight" in carried else []
    if len(cells) not in (2, 3):
        raise TableError(
            f"{name}, line {line}: {len(cells)} value{'s' if len(cells) > 1 else ''}, where two ids and perhaps a "
            "weight are expected; is it a table with more columns, or is the file cut here?"
        )
    return cells


def _line(path: Path, row: int) -> int:
    """The line of a row, blank lines counted."""
    with open_bytes(path) as file:
        for line, written in enumerate(file, start=1):
            if written.strip():
                if row == 0:
                    return line
                row -= 1
    raise IndexError(row)
