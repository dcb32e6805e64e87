"""From a table to molecules and their target values, with the rows that cannot be used set aside."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphattn.chem import SmilesError, parse_smiles
from graphattn.chem.features import Identity, identify
from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.labels import Reading, read_column
from graphattn.tasks.common.rejects import Reject, RejectedError, check_fields
from graphattn.tasks.common.table import Table, Unusable
from graphattn.tasks.molecule.columns import numeric_columns

_ID_COLUMNS = {"id", "compound id", "compound_id", "molecule id", "molecule_id", "mol_id", "identifier"}
Read = Callable[[Iterable[str]], Iterator[Any]]
_PARTS = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "test": "test",
    "0": "train",
    "1": "valid",
    "2": "test",
}


@dataclass(frozen=True)
class MoleculeRows:
    """The usable rows of a table.

    Attributes:
        smiles: one SMILES a molecule, whitespace around it dropped.
        targets: `[n, T]` float64, NaN where a value is missing; every row and every column has a value. Classes are
            0 and 1.
        target_columns: the names of the `T` columns.
        rows: `[n]` the position of each molecule in the table.
        parts: "train", "valid" or "test" of each molecule, if the table says.
        rejects: the rows left out.
        notes: what the reader of a summary should know besides.
        classes: for each target the labels of class 0 and class 1, as the table writes them; None for numbers.
        molecules: what `read` made of each SMILES.
        identities: of the molecules.
    """

    table: Table
    smiles_column: str
    target_columns: list[str]
    smiles: list[str]
    targets: NDArray[np.float64]
    rows: list[int]
    parts: list[str] | None
    rejects: list[Reject]
    notes: list[str] = field(default_factory=list)
    classes: list[tuple[str, str] | None] = field(default_factory=list)
    molecules: list[Any] = field(default_factory=list)
    identities: list[Identity] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.smiles)


def select_rows(
    table: Table,
    smiles_column: str,
    target_columns: Sequence[str],
    *,
    id_column: str | None = None,
    split_column: str | None = None,
    task: str | None = None,
    read: Read | None = None,
    progress: Callable[[int], None] | None = None,
) -> MoleculeRows:
    """Check every row and keep those that training can use.

    A row is left out, with the reason, when its line holds too many values, when a target is neither missing nor what
    its column holds (see `labels`), when all targets are missing, when its SMILES cannot be read, or when its id came
    before.

    Args:
        table: the table.
        smiles_column: the column of SMILES.
        target_columns: the columns to learn.
        id_column: a column whose values must not repeat; the first of several rows is kept.
        split_column: a column that says "train", "valid" or "test".
        task: "regression" or "classification"; told by the values when None.
        read: makes a molecule of each SMILES, with its `identity`; see `read_molecules`.
        progress: called with the number of molecules read.

    Raises:
        TableError: a column is missing or named twice, cannot be learned, or no usable row is left.
    """
    if not target_columns:
        raise TableError(f"{table.name}: name the column to learn. {_candidates(table, smiles_column)}")
    repeated = {column for column in target_columns if list(target_columns).count(column) > 1}
    if repeated:
        raise TableError(f"The target {repeated.pop()!r} is given more than once.")
    if smiles_column in target_columns:
        raise TableError(f"Column {smiles_column!r} cannot be both the SMILES and a target.")
    smiles_at = table.column(smiles_column)
    targets_at = [table.column(column) for column in target_columns]
    id_at = None if id_column is None else table.column(id_column)
    part_at = None if split_column is None else table.column(split_column)

    readings = [_reading(table, column, at, task) for column, at in zip(target_columns, targets_at, strict=True)]

    candidates: dict[int, tuple[list[float], str | None]] = {}
    rejects = []
    for row, cells in enumerate(table.rows):
        if not cells:
            continue
        try:
            check_fields(table, row)
            row_values = _target_values(target_columns, readings, [table.cell(row, at) for at in targets_at])
            candidates[row] = row_values, None if part_at is None else _part(split_column, table.cell(row, part_at))
        except RejectedError as rejected:
            rejects.append(Reject(row, *rejected.args))

    first_of_id: dict[str, int] = {}
    smiles, targets, rows, parts, molecules = [], [], [], [], []
    found = read_molecules(table, smiles_column, candidates, read)
    for done, (row, molecule) in enumerate(zip(candidates, found, strict=True), start=1):
        if progress is not None:
            progress(done)
        try:
            if isinstance(molecule, Reject):
                rejects.append(molecule)
                continue
            if id_at is not None:
                _check_id(table, id_column, table.cell(row, id_at), row, first_of_id)
        except RejectedError as rejected:
            rejects.append(Reject(row, *rejected.args))
            continue
        smiles.append(table.cell(row, smiles_at))
        targets.append(candidates[row][0])
        parts.append(candidates[row][1])
        rows.append(row)
        molecules.append(molecule)
    rejects.sort(key=lambda reject: reject.row)

    if not smiles:
        raise TableError(_nothing_left(table, rejects))
    values = np.array(targets, dtype=np.float64).reshape(len(smiles), len(target_columns))
    _check_values(table, target_columns, readings, values)
    notes = [
        f"column {c!r}: {reading.note}." for c, reading in zip(target_columns, readings, strict=True) if reading.note
    ]
    notes += [] if id_column is not None else _repeated_ids(table)
    return MoleculeRows(
        table,
        smiles_column,
        list(target_columns),
        smiles,
        values,
        rows,
        None if part_at is None else [str(part) for part in parts],
        rejects,
        notes,
        [reading.classes for reading in readings],
        molecules,
        [molecule.identity for molecule in molecules],
    )


def read_molecules(
    table: Table, smiles_column: str, rows: Iterable[int], read: Read | None = None
) -> Iterator[Any | Reject]:
    """Yield the molecule of each row, in order, or a `Reject`: what training and predicting both take for a bad row.

    A row is bad when its line holds more values than the header, for then its values may have shifted (a comma in a
    name that is not in quotes), and when its SMILES cannot be read.

    Args:
        table: the table.
        smiles_column: the column of SMILES.
        rows: positions in the table.
        read: yields a molecule for each SMILES, or a sentence that says why there is none; parses them when None.
    """
    at = table.column(smiles_column)
    rows = list(rows)
    good = (table.cell(row, at) for row in rows if not isinstance(table.rows[row], Unusable))
    molecules = (_parsed if read is None else read)(good)
    for row in rows:
        try:
            check_fields(table, row)
        except RejectedError as rejected:
            yield Reject(row, *rejected.args)
            continue
        molecule = next(molecules)
        yield Reject(row, smiles_column, table.cell(row, at), molecule) if isinstance(molecule, str) else molecule


class _Parsed(NamedTuple):
    identity: Identity


def _parsed(smiles: Iterable[str]) -> Iterator[Any]:
    for text in smiles:
        try:
            yield _Parsed(identify(parse_smiles(text)))
        except SmilesError as error:
            yield str(error)


def _reading(table: Table, column: str, at: int, task: str | None) -> Reading:
    """Tell how a target column is read, from the rows that are as long as the header."""
    cells = [table.cell(row, at) for row, cells in enumerate(table.rows) if cells and not isinstance(cells, Unusable)]
    return read_column(f"{table.name}, column {column!r}", cells, task)


def _target_values(columns: Sequence[str], readings: Sequence[Reading], cells: Sequence[str]) -> list[float]:
    values = []
    for column, reading, cell in zip(columns, readings, cells, strict=True):
        try:
            values.append(reading.value(cell))
        except ValueError as error:
            raise RejectedError(column, cell, str(error)) from None
    if all(math.isnan(value) for value in values):
        which = "the target value is missing" if len(columns) == 1 else "all target values are missing"
        raise RejectedError(columns[0], cells[0], which)
    return values


def _part(column: str | None, cell: str) -> str:
    part = _PARTS.get(cell.lower().removesuffix(".0"))
    if part is None:
        raise RejectedError(column, cell, f"{cell!r} is none of train, valid, test")
    return part


def _check_id(table: Table, column: str | None, value: str, row: int, first_of_id: dict[str, int]) -> None:
    if not value:
        raise RejectedError(column, value, "the id is missing")
    first = first_of_id.setdefault(value, row)
    if first != row:
        raise RejectedError(column, value, f"the id {value!r} stands on {table.unit} {table.lines[first]} already")


def _repeated_ids(table: Table) -> list[str]:
    """Say so when a column that looks like an id repeats a value."""
    notes = []
    for column in table.columns:
        if column.lower() not in _ID_COLUMNS or table.columns.count(column) > 1:
            continue
        at = table.column(column)
        seen: dict[str, int] = {}
        repeats = []
        for row, cells in enumerate(table.rows):
            value = table.cell(row, at)
            if cells and value and seen.setdefault(value, row) != row:
                repeats.append((row, value))
        if repeats:
            row, value = repeats[0]
            count = f"{len(repeats)} rows repeat" if len(repeats) > 1 else "1 row repeats"
            notes.append(
                f"{table.where(row, column)}: {value!r} stands on {table.unit} {table.lines[seen[value]]} already "
                f"({count} an id and {'are' if len(repeats) > 1 else 'is'} kept; "
                f"--id-column {_quoted(column)} keeps the first of each)."
            )
    return notes


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name


def _check_values(
    table: Table, columns: Sequence[str], readings: Sequence[Reading], values: NDArray[np.float64]
) -> None:
    """Refuse a target column that holds nothing to learn."""
    for position, (column, reading) in enumerate(zip(columns, readings, strict=True)):
        known = values[:, position][~np.isnan(values[:, position])]
        place = f"{table.name}, column {column!r}"
        if not known.size:
            raise TableError(f"{place}: no usable row has a value.")
        if known.size > 1 and (known == known[0]).all():
            what = "one value only" if reading.classes is None else "one class only"
            value = f"{known[0]:g}" if reading.classes is None else reading.classes[int(known[0])]
            raise TableError(f"{place}: all {known.size} values are {value} ({what}), so there is nothing to learn.")


def rejected_share(rows: MoleculeRows) -> list[str]:
    """Say so when a fifth of the rows or more were left out: perhaps the table is read wrongly."""
    left_out, every = len(rows.rejects), len(rows.rejects) + len(rows)
    if 5 * left_out < every:
        return []
    reasons = Counter((reject.column, reject.reason.replace(reject.value or "\0", "…")) for reject in rows.rejects)
    (column, reason), count = reasons.most_common(1)[0]
    place = "" if column is None else f"column {column!r}: "
    return [f"{left_out} of {every} rows are left out, {count} of them because of {place}{reason}."]


def _nothing_left(table: Table, rejects: Sequence[Reject]) -> str:
    first = rejects[0]
    place = table.where(first.row, first.column)
    if all(reject.reason == first.reason or reject.column == first.column for reject in rejects):
        return f"{place}: {first.reason}; none of the {len(rejects)} rows can be used."
    return f"{table.name}: none of the {len(rejects)} rows can be used; the first: {place}: {first.reason}."


def _candidates(table: Table, smiles_column: str) -> str:
    columns = [column for column in numeric_columns(table) if column != smiles_column]
    if not columns:
        return "No column holds numbers."
    return f"Columns of numbers: {', '.join(repr(column) for column in columns)}."
