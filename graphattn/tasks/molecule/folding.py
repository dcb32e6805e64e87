"""Which molecules of training and validation each network leaves out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from graphattn.chem import Split
from graphattn.tasks.molecule.config import TrainingConfig
from graphattn.tasks.molecule.duplicates import same_molecule
from graphattn.tasks.molecule.rows import MoleculeRows
from graphattn.tasks.molecule.stack.folds import make_folds


def left_out(
    rows: MoleculeRows, split: Split, method: str, task: str, training: TrainingConfig
) -> list[NDArray[np.int64]]:
    """Return the molecules that are left out together: a fold for each network, or the validation part for one.

    Copies share a fold and, where the split is by scaffold, so do molecules of one scaffold; acyclic ones have none.
    """
    if training.ensemble == 1:
        return [split.valid]
    learned = np.sort(np.concatenate([split.train, split.valid]))
    groups = groups_of(rows, learned, method)
    folds = make_folds(
        groups, rows.targets[learned], training.ensemble, classes=task == "classification", seed=training.seed
    )
    if len(folds) == 1:  # one molecule many times
        return [split.valid]
    return [learned[fold] for fold in folds]


def groups_of(rows: MoleculeRows, molecules: NDArray[np.int64], method: str) -> list[Hashable]:
    """Return a name for each of the molecules, the same for those that must stay together.

    Those are copies and, where the split is by scaffold and not all have the same, molecules of one scaffold.
    """
    copies: list[Hashable] = [int(first) for first in same_molecule(rows)[molecules]]
    if method != "scaffold":
        return copies
    scaffolds = [rows.identities[row].scaffold for row in molecules]
    by_scaffold = [scaffold or copy for scaffold, copy in zip(scaffolds, copies, strict=True)]
    return by_scaffold if len(set(by_scaffold)) > 1 else copies


def unseen(each: NDArray[np.float64], held_out: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Return for each molecule the mean of the networks that did not learn from it, `[n, T]`; NaN if all did."""
    total, count = np.zeros(each.shape[1:]), np.zeros((each.shape[1], 1))
    for predictions, rows in zip(each, held_out, strict=True):
        total[rows] += predictions[rows]
        count[rows] += 1
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
