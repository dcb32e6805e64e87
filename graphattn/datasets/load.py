"""Load a data set of molecules by name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from graphattn.datasets.catalog import CARDS
from graphattn.datasets.dataset_card import Card
from graphattn.datasets.fetch import DatasetError, locate

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class MoleculeDataset:
    """A table of molecules with what is known about it; see `Card` for the facts."""

    card: Card
    frame: pd.DataFrame
    """the table, as published"""
    path: Path
    """the file it was read from"""

    @property
    def name(self) -> str:
        """Name of the data set."""
        return self.card.name

    @property
    def smiles_column(self) -> str:
        """Name of the column with the SMILES."""
        return self.card.smiles_column

    @property
    def target_columns(self) -> list[str]:
        """Names of the columns to predict."""
        return list(self.card.target_columns)

    @property
    def task(self) -> str:
        """Kind of target: "regression" or "classification"."""
        return self.card.task

    @property
    def unit(self) -> str:
        """Unit of the targets."""
        return self.card.unit

    def __repr__(self) -> str:
        return f"MoleculeDataset({self.name!r}, {len(self.frame):,} rows, {self.task} of {self.target_columns})"


class Source(NamedTuple):
    """A CSV file to read molecules from."""

    path: Path
    card: Card | None
    """facts about it; None for a file of the user's own"""


def available() -> list[str]:
    """Return the names that `load` takes."""
    return list(CARDS)


def card(name: str) -> Card:
    """Return the facts about a data set without opening it.

    Raises:
        DatasetError: there is no data set of that name.
    """
    try:
        return CARDS[name.lower()]
    except KeyError:
        raise DatasetError(f"no data set is called {name!r}; there are {', '.join(CARDS)}") from None


def load(name: str) -> MoleculeDataset:
    """Load a data set of molecules by name, downloading it once when it does not come with graphattn.

    Args:
        name: one of `available()`, upper or lower case.

    Returns:
        The `MoleculeDataset`. Its frame is as published; SMILES may carry spaces or be unreadable, targets
        may be missing (NaN).

    Raises:
        DatasetError: there is no data set of that name, it cannot be downloaded, or the file found is not the
            published one.

    >>> data = load("esol")
    >>> len(data.frame), data.target_columns, data.unit
    (1128, ['measured log solubility in mols per litre'], 'log mol/L')
    """
    import pandas as pd

    facts = card(name)
    path = locate(facts)
    return MoleculeDataset(card=facts, frame=pd.read_csv(path), path=path)


def resolve(path_or_name: str | os.PathLike[str]) -> Source:
    """Find the CSV file that a command's argument means: a file, or else a data set by name.

    Raises:
        DatasetError: it is neither; or the data set cannot be had, as in `load`.
    """
    path = Path(path_or_name)
    if path.is_file():
        return Source(path, None)
    if str(path_or_name).lower() in CARDS:
        facts = card(str(path_or_name))
        return Source(locate(facts), facts)
    what = "a directory, not a file" if path.is_dir() else "no such file"
    raise DatasetError(f"{str(path_or_name)!r}: {what}, and no data set is called so; there are {', '.join(CARDS)}")
