"""Which columns of a table hold what, told by their names and by their values."""

from __future__ import annotations

from collections.abc import Sequence

from graphattn.chem import SmilesError, parse_smiles
from graphattn.tasks.common.decimals import looks_numeric
from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.labels import MISSING
from graphattn.tasks.common.table import Table, Unusable

_NAMES = {"smi", "drug", "structure", "molecule", "mol", "compound", "ligand", "inchi", "substance", "solute"}
"""what columns of molecules are called where they are not called SMILES"""
_LOOKED_AT = 20
"""rows that decide what a column holds"""
_LONGEST = 300
"""characters; longer cells are not read to decide"""


def guess_smiles_column(table: Table) -> str:
    """Return the one column whose name, or else whose values, say that it holds SMILES.

    Raises:
        TableError: no column or several columns do, or the table has no header.
    """
    exact = [column for column in table.columns if column.lower() == "smiles"]
    found = exact or [column for column in table.columns if "smiles" in column.lower()]
    if not found:
        _refuse_missing_header(table)
        of_molecules = [column for column in dict.fromkeys(table.columns) if _holds_molecules(table, column)]
        found = [column for column in of_molecules if column.lower() in _NAMES] or of_molecules
    if len(found) == 1:
        return found[0]
    if not found:
        table.column("smiles")  # raises, listing the columns
    shown = ", ".join(repr(column) for column in found)
    raise TableError(
        f"{table.name}, line 1: several columns may hold SMILES ({shown}); choose one with --smiles-column."
    )


def bare_list_column(first_line: str) -> str | None:
    """Return "smiles" where the first line of a file is a SMILES, so that the file is a list without a header."""
    return "smiles" if _is_molecule(first_line) else None


def numeric_columns(table: Table, limit: int = _LOOKED_AT) -> list[str]:
    """Return the columns whose first cells are numbers for the most part: candidates for a target."""
    rows = [row for row in range(len(table.rows)) if table.rows[row]][:limit]
    found = []
    for position, column in enumerate(table.columns):
        cells = [table.cell(row, position) for row in rows]
        known = [cell for cell in cells if cell.lower() not in MISSING]
        if 2 * sum(looks_numeric(cell) for cell in known) > len(known):
            found.append(column)
    return found


def _holds_molecules(table: Table, column: str) -> bool:
    """Tell whether nearly all first cells of a column can be read as molecules; numbers are none."""
    if table.columns.count(column) > 1:
        return False
    cells = _first_cells(table, table.columns.index(column))
    return bool(cells) and 10 * sum(map(_is_molecule, cells)) >= 9 * len(cells)


def _first_cells(table: Table, at: int) -> Sequence[str]:
    rows = (row for row, cells in enumerate(table.rows) if cells and not isinstance(cells, Unusable))
    known = (cell for row in rows if (cell := table.cell(row, at)).lower() not in MISSING and len(cell) <= _LONGEST)
    return [cell for _, cell in zip(range(_LOOKED_AT), known, strict=False)]


def _refuse_missing_header(table: Table) -> None:
    """Refuse a table whose first line is a row: a molecule where the others have one, and a number or nothing else."""
    others = [column for column in table.columns if not _is_molecule(column)]
    if len(others) == len(table.columns) or not all(map(looks_numeric, others)):
        return
    if not any(_holds_molecules(table, column) for column in table.columns if column not in others):
        return
    names = ",".join("value" if column in others else "smiles" for column in table.columns)
    raise TableError(
        f"{table.name}, line 1: this seems to be a row ({', '.join(table.columns[:3])}), and the header is missing; "
        f"write a first line such as {names}."
    )


def _is_molecule(text: str) -> bool:
    if len(text) > _LONGEST or looks_numeric(text):
        return False
    try:
        parse_smiles(text)
    except SmilesError:
        return False
    return True
