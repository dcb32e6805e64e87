"""Molecules to predict, some hundred at a time, from SMILES or from a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphattn.chem.smiles import as_text
from graphattn.tasks.common.rejects import Reject, RejectedError, check_fields
from graphattn.tasks.common.table import Table
from graphattn.tasks.molecule.own_features import column_values


@dataclass(frozen=True)
class Asked:
    """Some molecules to predict.

    Attributes:
        texts: `[n]` SMILES, or whatever stands where one should.
        own: `[n, columns]` values of the user's own; None where the model has none.
        rejects: of rows that are not to be predicted, by their position.
        rows: `[n]` their positions in the whole table.
        smiles_column: names where they stand.
    """

    texts: list[Any]
    own: NDArray[np.float64] | None = None
    rejects: dict[int, Reject] = field(default_factory=dict)
    rows: Sequence[int] = ()
    smiles_column: str = ""

    def distinct(self) -> list[Any]:
        """Return each text once, without those of rejected rows, in their order."""
        return list(dict.fromkeys(text for at, text in enumerate(self.texts) if at not in self.rejects))


def ask(smiles: Iterable[Any], size: int) -> Iterator[Asked]:
    """Ask for SMILES or RDKit molecules, `size` at a time."""
    texts = map(as_text, smiles)
    return (Asked(chunk) for chunk in iter(lambda: list(islice(texts, size)), []))


def ask_table(tables: Iterable[Table], smiles_column: str, own: Sequence[str], size: int) -> Iterator[Asked]:
    """Ask for the rows of a table that comes in parts, `size` at a time.

    Args:
        tables: with the same columns.
        smiles_column: where the SMILES stand.
        own: the columns of the user's own features.
        size: rows at a time.
    """
    before = 0
    for table in tables:
        at = table.column(smiles_column)
        for start in range(0, len(table.rows), size):
            rows = range(start, min(start + size, len(table.rows)))
            rejects = {}
            for row in rows:
                try:
                    check_fields(table, row)
                except RejectedError as rejected:
                    rejects[row - start] = Reject(before + row, *rejected.args)
            texts = [table.cell(row, at) for row in rows]
            values = column_values(table, own, rows)[0] if own else None
            yield Asked(texts, values, rejects, range(before + rows.start, before + rows.stop), smiles_column)
        before += len(table.rows)
