"""Molecules on the command line: a file, standard input, or SMILES as they are."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphattn.tasks.common.table import Table
    from graphattn.tasks.molecule import MoleculePredictor

_TABLE_SUFFIXES = {".csv", ".tsv", ".txt", ".smi", ".gz"}


def read_molecules(molecules: Sequence[str] | None, encoding: str | None, smiles_column: str | None) -> Table:
    """Read the molecules from wherever they are."""
    from graphattn.tasks.common.errors import InputError
    from graphattn.tasks.common.table import Table, read_table
    from graphattn.tasks.molecule.rows import bare_list_column

    if not molecules:
        if sys.stdin.isatty():
            raise InputError("no molecules: give a CSV file, SMILES, or - and type SMILES.")
        molecules = ["-"]
    if are_smiles(molecules):
        rows = [[smiles] for smiles in molecules]
        return Table("command line", ["smiles"], rows, list(range(1, len(rows) + 1)), unit="SMILES")
    if len(molecules) > 1:
        raise InputError(f"one file at a time, got {', '.join(molecules)}.")
    bare_list = bare_list_column if smiles_column is None else None
    return read_table(molecules[0], encoding=encoding, bare_list=bare_list)


def are_smiles(molecules: Sequence[str]) -> bool:
    """Tell whether what was given is SMILES rather than a file."""
    first = molecules[0]
    return first != "-" and not Path(first).exists() and Path(first).suffix.lower() not in _TABLE_SUFFIXES


def find_smiles_column(table: Table, predictor: MoleculePredictor, smiles_column: str | None) -> str:
    """Return the column named on the command line, or that of the training, or the one whose name says so."""
    from graphattn.tasks.molecule.rows import guess_smiles_column

    if smiles_column is None:
        assert predictor.fitted is not None
        trained = predictor.fitted.smiles_column
        smiles_column = trained if trained in table.columns else guess_smiles_column(table)
    table.column(smiles_column)  # raises where there is none
    return smiles_column
