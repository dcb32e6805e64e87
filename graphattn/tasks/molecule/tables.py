"""Tables of molecules, whatever holds them: structure-data files and lists of SMILES besides those of `read_table`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphattn.chem.sdf import SdfRecord, read_sdf
from graphattn.chem.smiles import JOIN
from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.opening import read_bytes
from graphattn.tasks.common.table import BareList, Table, Unusable, read_table
from graphattn.tasks.common.table_stream import LARGE, TableStream, stream_of, stream_text
from graphattn.tasks.common.text_encoding import decode

if TYPE_CHECKING:
    import pandas as pd

_SDF = (".sdf", ".sd", ".mol")
_SMILES = (".smi", ".smiles", ".cxsmiles", ".ism")
_HEADERS = ("smiles", "smi", "canonical_smiles", "cxsmiles")

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".xlsx", ".gz", *_SDF, *_SMILES)
"""names of files that hold tables of molecules"""


def read_molecule_table(
    source: str | Path | pd.DataFrame | Table, *, encoding: str | None = None, bare_list: BareList | None = None
) -> Table:
    """Read a table of molecules.

    Besides what `read_table` reads: an SDF file, whose titles are the column `name` and whose properties are columns;
    and a `.smi` file, a SMILES or CXSMILES a line, with a name behind it or none, with a header or without. Either may
    be packed with gzip.

    Raises:
        TableError: as `read_table`, or the file holds no record.
    """
    if not isinstance(source, (str, Path)) or str(source) == "-":
        return read_table(source, encoding=encoding, bare_list=bare_list)
    path = Path(source)
    suffix = Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if suffix in _SDF:
        return _from_sdf(path, encoding)
    if suffix in _SMILES:
        return _from_smiles_list(path, encoding)
    return read_table(source, encoding=encoding, bare_list=bare_list)


def stream_molecule_table(
    source: str | Path, *, encoding: str | None = None, bare_list: BareList | None = None
) -> TableStream:
    """Open a table of molecules; a large text file is read while its parts are taken, see `stream_text`."""
    path = Path(source)
    text = str(source) != "-" and path.is_file() and path.stat().st_size >= LARGE
    if text and not {suffix.lower() for suffix in path.suffixes} & {".parquet", ".pq", ".xlsx", *_SDF, *_SMILES}:
        return stream_text(path, encoding, bare_list)
    return stream_of(read_molecule_table(source, encoding=encoding, bare_list=bare_list))


def _from_sdf(path: Path, encoding: str | None) -> Table:
    text = decode(read_bytes(path), str(path), encoding)
    records = list(read_sdf(text.splitlines()))
    if not records:
        raise TableError(f"{path} holds no record; a structure-data file (SDF) is expected.")
    names = list(dict.fromkeys(name for record in records for name in record.properties if name.lower() != "smiles"))
    titled = any(record.title for record in records)
    columns = ["smiles", *(["name"] if titled and "name" not in names else []), *names]
    return Table(str(path), columns, [_cells(record, columns) for record in records], [r.line for r in records])


def _cells(record: SdfRecord, columns: list[str]) -> list[str]:
    known = {"name": record.title} | record.properties | {"smiles": record.smiles}
    cells = [known.get(column, "") for column in columns]
    return Unusable(cells, record.reason, 0) if record.reason else cells


def _from_smiles_list(path: Path, encoding: str | None) -> Table:
    rows, lines, named = [], [], False
    header: list[str] | None = None
    for number, line in enumerate(decode(read_bytes(path), str(path), encoding).splitlines(), start=1):
        smiles, name = _smiles_and_name(line)
        if header is None and smiles.lower() in _HEADERS:
            header = [smiles, *([name] if name else [])]
            continue
        header = header or []
        named = named or bool(name)
        rows.append([smiles, name] if smiles else [])
        lines.append(number)
    while rows and not rows[-1]:
        del rows[-1], lines[-1]
    if not rows:
        raise TableError(f"{path} holds no SMILES; one a line is expected, with a name behind it or none.")
    columns = (header or [])[:2] or ["smiles"]
    if named and len(columns) < 2:
        columns = [*columns, "name"]
    return Table(str(path), columns, [cells[: len(columns)] for cells in rows], lines)


def _smiles_and_name(line: str) -> tuple[str, str]:
    """Split a line; the extension of CXSMILES, between bars, stays with the SMILES."""
    smiles, _, rest = line.strip().partition(" ") if "\t" not in line else line.strip().partition("\t")
    rest = rest.strip()
    if rest.startswith("|") and "|" in rest[1:]:
        extension, _, rest = rest[1:].partition("|")
        smiles, rest = f"{smiles} |{extension}|", rest.strip()
    return smiles.strip(), rest


def join_columns(table: Table, columns: list[str]) -> tuple[Table, str]:
    """Return a table in which several columns of SMILES are one, and its name.

    A cell of the new column, which comes last, holds the SMILES with " + " between them; "" where one is missing.
    """
    at = [table.column(column) for column in columns]
    name = JOIN.join(column.strip() for column in columns)
    rows: list[list[str]] = []
    for row, cells in enumerate(table.rows):
        each = [table.cell(row, place) for place in at]
        joined = JOIN.join(each) if all(each) else ""
        if isinstance(cells, Unusable):
            rows.append(Unusable([*cells, joined], cells.reason, cells.at))
        else:
            rows.append([*cells, joined] if cells else [])
    return Table(table.name, [*table.columns, name], rows, table.lines, table.unit), name


PART = "(part)"
"""the column that `join_parts` adds"""


@dataclass(frozen=True)
class JoinedTable(Table):
    """Rows of several files; `origin` names the file of each."""

    origin: list[str] = field(default_factory=list)

    def where(self, row: int, column: str | None = None) -> str:
        """Name the place of a row in its own file."""
        place = f"{self.origin[row]}, {self.unit} {self.lines[row]}"
        return place if column is None else f"{place}, column {column!r}"


def join_parts(parts: dict[str, Table], needed: Sequence[str]) -> Table:
    """Return one table of those that train, validate and test, with a column that says which; see `PART`.

    Args:
        parts: "train" and "test", and "valid" perhaps. The columns are those of the first; others get empty cells
            where a file has no column of that name.
        needed: columns that each must have.

    Raises:
        TableError: a table lacks one of them.
    """
    first = parts["train"]
    rows: list[list[str]] = []
    lines: list[int] = []
    origin: list[str] = []
    for part, table in parts.items():
        for column in needed:
            table.column(column)  # raises where there is none
        at = {column: position for position, column in enumerate(table.columns)}
        order = [at.get(column) for column in first.columns]
        for cells, line in zip(table.rows, table.lines, strict=True):
            taken = [cells[place] if cells and place is not None else "" for place in order]
            if isinstance(cells, Unusable):
                taken = Unusable([*taken, part], cells.reason, len(taken) - 1)
            elif cells:
                taken.append(part)
            rows.append(taken if cells else [])
            lines.append(line)
            origin.append(table.name)
    return JoinedTable(first.name, [*first.columns, PART], rows, lines, first.unit, origin)


def read_times(table: Table, column: str, rows: Sequence[int]) -> NDArray[np.float64]:
    """Return the times in a column, `[rows]`: dates, as nanoseconds, or numbers, such as years.

    Raises:
        TableError: there is no such column, or a cell holds neither.
    """
    import pandas as pd

    at = table.column(column)
    cells = [table.cell(row, at) for row in rows]
    numbers = pd.to_numeric(pd.Series(cells), errors="coerce")
    if numbers.notna().all():
        return numbers.to_numpy(dtype=np.float64)
    dates = pd.to_datetime(pd.Series(cells), errors="coerce", format="mixed", utc=True)
    for row, missing in zip(rows, dates.isna(), strict=True):
        if missing:
            cell = table.cell(row, at)
            raise TableError(f"{table.where(row, column)}: {cell!r} is neither a date such as 2024-03-31 nor a number.")
    return dates.astype("int64").to_numpy(dtype=np.float64)
