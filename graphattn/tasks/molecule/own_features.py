"""Features of the user's own beside RDKit's descriptors: columns of the table, and what a function makes of SMILES."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.common.decimals import UNCLEAR, convention_of, parse_number
from graphattn.tasks.common.errors import InputError, TableError
from graphattn.tasks.common.labels import MISSING
from graphattn.tasks.common.table import Table

Array = NDArray[np.float64]
Function = Callable[[list[str]], Any]
"""takes SMILES, returns `[n, k]` numbers"""


def column_values(table: Table, columns: Sequence[str], rows: Sequence[int]) -> tuple[Array, list[str]]:
    """Return the numbers in some columns and rows, `[rows, columns]`, and what should be said of them.

    A cell that holds no number counts as missing: NaN.

    Raises:
        TableError: a column is missing, or its numbers may be read in two ways.
    """
    values = np.full((len(rows), len(columns)), np.nan)
    notes = []
    for position, column in enumerate(columns):
        at = table.column(column)
        cells = [table.cell(row, at) for row in rows]
        convention = convention_of(cells)
        if convention == UNCLEAR:
            raise TableError(
                f"{table.name}, column {column!r}: commas may be decimal points or thousands separators; "
                "write a decimal point and no thousands separators."
            )
        wrong = []
        for row, cell in enumerate(cells):
            try:
                values[row, position] = np.nan if cell.lower() in MISSING else parse_number(cell, convention)
            except ValueError:
                wrong.append(cell)
        if wrong:
            count = f"{len(wrong)} value{'s' if len(wrong) > 1 else ''}"
            notes.append(f"column {column!r}: {count} such as {wrong[0]!r} hold no number and count as missing.")
    return values, notes


def function_values(function: Function, smiles: Sequence[str], width: int | None = None) -> Array:
    """Return what a function makes of SMILES, `[n, k]` float64.

    Args:
        function: the user's.
        smiles: may be none at all where `width` is given.
        width: the columns that it gave in training; any number when None.

    Raises:
        InputError: it gives something else.
    """
    if not len(smiles) and width is not None:
        return np.zeros((0, width))
    try:
        values = np.asarray(function(list(smiles)), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"the function of features gives no numbers: {error}.") from None
    expected = f"[{len(smiles)}, {'k' if width is None else width}]"
    if values.ndim != 2 or len(values) != len(smiles) or (width is not None and values.shape[1] != width):
        raise InputError(f"the function of features must give {expected} numbers, got {list(values.shape)}.")
    return np.where(np.isfinite(values), values, np.nan)
