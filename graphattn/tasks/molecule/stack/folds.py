"""Folds of the molecules that train and validate: each is left out once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def make_folds(
    groups: Sequence[Hashable], targets: NDArray[np.float64], count: int, *, classes: bool, seed: int
) -> list[Rows]:
    """Deal molecules into folds of about the same size, with about as many values and members of each class.

    The groups are dealt from the largest to the smallest, those of one size in random order, each to the fold that
    needs it most.

    Args:
        groups: `[n]` molecules of one group stay together.
        targets: `[n, T]`, NaN where a value is missing.
        count: of folds; fewer where there are fewer groups.
        classes: whether the targets are classes 0 and 1.
        seed: of the order.

    Returns:
        The positions of the molecules of each fold, increasing.
    """
    names: dict[Hashable, int] = {}
    group = np.array([names.setdefault(name, len(names)) for name in groups], dtype=np.int64)
    # What is to be even among the folds, [n, ...]: molecules, values of each target, ones among these.
    shares = [np.ones((len(group), 1)), ~np.isnan(targets)]
    if classes:
        shares.append(targets == 1)
    wanted = np.concatenate(shares, axis=1, dtype=np.float64)
    wanted /= np.maximum(wanted.sum(axis=0), 1)
    need = np.zeros((len(names), wanted.shape[1]))
    np.add.at(need, group, wanted)
    size = np.bincount(group, minlength=len(names))
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-size[order], kind="stable")]
    if classes:  # the rarer the ones, the sooner they are dealt among groups of one size
        ones = need[order, -targets.shape[1] :].sum(axis=1)
        order = order[np.lexsort((-ones, -size[order]))]
    folds = np.zeros((min(count, len(names)), wanted.shape[1]))
    fold = np.empty(len(names), dtype=np.int64)
    for number in order:
        # adding `a` to a fold that holds `h` raises the sum of squares by a (2 h + a): least where little is held
        fold[number] = np.argmin((folds * need[number]).sum(axis=1))
        folds[fold[number]] += need[number]
    return [np.flatnonzero(fold[group] == number) for number in range(len(folds))]
