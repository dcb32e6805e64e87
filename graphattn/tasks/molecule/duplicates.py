"""Molecules that stand in a table more than once, however their SMILES are written."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from graphattn.chem import Split
from graphattn.tasks.molecule.rows import MoleculeRows


def same_molecule(rows: MoleculeRows) -> NDArray[np.int64]:
    """Return for each molecule the position of its first copy, `[n]`."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(molecule.canonical_smiles, row) for row, molecule in enumerate(rows.identities)])


def expand(split: Split, first: NDArray[np.int64]) -> Split:
    """Return a split of the different molecules as one of all, copies in the part of their first."""
    different = np.unique(first)
    return Split(*(np.flatnonzero(np.isin(first, different[part])).astype(np.int64) for part in split))


def describe(rows: MoleculeRows, split: Split, first: NDArray[np.int64]) -> str:
    """Say how many molecules are copies, how far their values differ, and how many test molecules also train.

    Returns:
        A sentence; "" where each molecule stands once.
    """
    copied, counts = np.unique(first, return_counts=True)
    copied = copied[counts > 1]
    if not len(copied):
        return ""
    differing = sum(_differ(rows.targets[first == row]) for row in copied)
    crossing = int(np.isin(first[split.test], first[np.concatenate([split.train, split.valid])]).sum())
    several = len(copied) > 1
    sentence = (
        f"{len(copied)} molecule{'s' if several else ''} stand{'' if several else 's'} in the table more than once"
    )
    if differing:
        sentence += f", {differing} of them with different values"
    where = f"{crossing} of {len(split.test)} test molecules also train or validate, which flatters the test"
    return f"{sentence}; {where if crossing else 'copies are in one part of the split'}"


def _differ(values: NDArray[np.float64]) -> bool:
    """Tell whether some target has more than one value; `[copies, T]`."""
    return any(len(np.unique(column[~np.isnan(column)])) > 1 for column in values.T)
