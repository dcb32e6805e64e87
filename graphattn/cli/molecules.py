"""Molecules on the command line: a file, standard input, or SMILES as they are."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphattn.tasks.common.table_stream import TableStream
    from graphattn.tasks.molecule import MoleculePredictor


def read_molecules(molecules: Sequence[str] | None, encoding: str | None, smiles_column: str | None) -> TableStream:
    """Read the molecules from wherever they are."""
    from graphattn.tasks.common.errors import InputError
    from graphattn.tasks.common.table import Table
    from graphattn.tasks.common.table_stream import stream_of
    from graphattn.tasks.molecule.columns import bare_list_column
    from graphattn.tasks.molecule.tables import stream_molecule_table

    if not molecules:
        if sys.stdin.isatty():
            raise InputError("no molecules: give a CSV file, SMILES, or - and type SMILES.")
        molecules = ["-"]
    if are_smiles(molecules):
        rows = [[smiles] for smiles in molecules]
        return stream_of(Table("command line", ["smiles"], rows, list(range(1, len(rows) + 1)), unit="SMILES"))
    if len(molecules) > 1:
        raise InputError(f"one file at a time, got {', '.join(molecules)}.")
    bare_list = bare_list_column if smiles_column is None else None
    return stream_molecule_table(molecules[0], encoding=encoding, bare_list=bare_list)


def are_smiles(molecules: Sequence[str]) -> bool:
    """Tell whether what was given is SMILES rather than a file."""
    from graphattn.tasks.molecule.tables import SUFFIXES

    first = molecules[0]
    return first != "-" and not Path(first).exists() and Path(first).suffix.lower() not in SUFFIXES


def find_smiles_column(
    stream: TableStream, predictor: MoleculePredictor, smiles_column: str | None
) -> tuple[TableStream, str]:
    """Return the table and its column of SMILES: that named on the command line, that of the training, or one like it.

    Where the training took several columns together, they are joined in the table.
    """
    first, stream = stream.peek()
    if smiles_column is not None:
        first.column(smiles_column)  # raises where there is none
        return stream, smiles_column
    joined, column = predictor.smiles_table(first)
    return stream if joined is first else stream.map(lambda table: predictor.smiles_table(table)[0]), column
