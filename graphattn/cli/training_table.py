"""The table that a training reads: a file, standard input, or a data set by its name."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphattn.datasets import Card
    from graphattn.tasks.common.table import Table


def read_training_table(data: str, encoding: str | None) -> tuple[Table, str, Card | None]:
    """Return the table, a name for it, and what is known about it."""
    from graphattn.datasets import resolve
    from graphattn.tasks.molecule.tables import read_molecule_table

    if data == "-":
        return read_molecule_table(data, encoding=encoding), "stdin", None
    path, card = resolve(data)
    table = read_molecule_table(path, encoding=encoding)
    if card is None:
        return table, path.name.split(".")[0], None
    return dataclasses.replace(table, name=card.name), card.name, card
