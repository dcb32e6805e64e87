"""Which molecules train, which validate, which test."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graphattn.chem import Split, random_split, stratified_split
from graphattn.chem.splits import split_by_scaffold
from graphattn.tasks.common.errors import SettingsError, TableError
from graphattn.tasks.molecule.duplicates import expand, same_molecule
from graphattn.tasks.molecule.rows import MoleculeRows
from graphattn.tasks.molecule.stack.folds import make_folds

METHODS = ("scaffold", "random", "stratified")
MIN_MOLECULES = 10
_VALIDATION = 10
"""one in so many of the molecules to train validates where the table names none"""


def split_rows(
    rows: MoleculeRows, method: str | None = None, *, seed: int = 0, times: NDArray[np.float64] | None = None
) -> tuple[Split, str]:
    """Split the molecules 80/10/10, or as the table says.

    Args:
        rows: the molecules; where `rows.parts` is given, it decides, and where that names none to validate, some of
            those to train do.
        method: "scaffold" (deterministic Bemis–Murcko), "random" or "stratified" (by the first target). None:
            by scaffold where that leaves no part empty or with one class only, else by class or at random.
        seed: of the random and the stratified split.
        times: `[n]` when each was measured; the latest then test, those before them validate.

    Returns:
        The split and how it was made: one of the methods, "time" or "given". Copies of a molecule are in one part,
        unless the table decides.

    Raises:
        SettingsError: there is no such method, or a stratified split of a target with missing values is asked for.
        TableError: there are too few molecules, or a part is left empty.
    """
    if method is not None:
        check_method(method)
    if len(rows) < MIN_MOLECULES:
        count = f"{len(rows)} usable row{'s' if len(rows) != 1 else ''}"
        raise TableError(
            f"{rows.table.name}: {count} (columns {rows.smiles_column!r} and {_names(rows.target_columns)}); "
            f"training, validation and test need at least {MIN_MOLECULES} together."
        )
    if rows.parts is not None:
        split, method = _given(rows, seed), "given"
    elif times is not None:
        split, method = by_time(times), "time"
    elif method == "random":
        split = _random(rows, seed)
    elif method == "stratified":
        if np.isnan(rows.targets[:, 0]).any():
            raise SettingsError(
                f"a stratified split needs a value of {rows.target_columns[0]!r} in every row; "
                "use --split random or --split scaffold."
            )
        split = _stratified(rows, seed)
    else:
        split = split_by_scaffold([molecule.scaffold for molecule in rows.identities])
        if (
            method is None
            and rows.classes[0] is not None
            and one_class(rows, split)
            and not np.isnan(rows.targets[:, 0]).any()
        ):
            split, method = _stratified(rows, seed), "stratified"
        elif method is None and not all(len(part) for part in split):
            split, method = _random(rows, seed), "random"
    check_parts(rows.table.name, split)
    return split, method or "scaffold"


def check_method(method: str) -> None:
    """Refuse a name that is no method.

    Raises:
        SettingsError: naming those there are.
    """
    if method not in METHODS:
        raise SettingsError(f"split must be one of {', '.join(METHODS)}, got {method!r}.")


def check_parts(name: str, split: Split, *, tested: bool = True) -> None:
    """Refuse a split with an empty part; the test part may be empty where `tested` is false.

    Raises:
        TableError: naming the part.
    """
    for part, indices in split._asdict().items():
        if not len(indices) and (tested or part != "test"):
            raise TableError(f"{name}: the split leaves no molecule to the {part} part; try --split random.")


def by_time(times: NDArray[np.float64]) -> Split:
    """Split 80/10/10 from the earliest to the latest; molecules of the same time are in one part.

    Args:
        times: `[n]`.
    """
    _, group, sizes = np.unique(times, return_inverse=True, return_counts=True)
    middle = (np.cumsum(sizes) - sizes / 2) / len(times)  # of each time, as a share of all molecules
    part = np.digitize(middle, [0.8, 0.9])[group]
    train, valid, test = (np.flatnonzero(part == number).astype(np.int64) for number in range(3))
    return Split(train, valid, test)


def _given(rows: MoleculeRows, seed: int) -> Split:
    names = np.array(rows.parts)
    train, valid, test = (np.flatnonzero(names == part).astype(np.int64) for part in ("train", "valid", "test"))
    if not len(valid) and len(train) > 1 and len(test):
        groups = same_molecule(rows)[train].tolist()
        classes = rows.classes[0] is not None
        drawn = make_folds(groups, rows.targets[train], _VALIDATION, classes=classes, seed=seed)[0]
        train, valid = np.delete(train, drawn), train[drawn]
    return Split(train, valid, test)


def check_training(rows: MoleculeRows, train: NDArray[np.int64]) -> None:
    """Refuse a training part in which a target has one value or one class only.

    Raises:
        TableError: naming the column, the value and the remedy.
    """
    for position, (column, classes) in enumerate(zip(rows.target_columns, rows.classes, strict=True)):
        values = rows.targets[train, position]
        known = values[~np.isnan(values)]
        if not known.size or (known == known[0]).all():
            only = "no value"
            if known.size:
                only = f"the value {known[0]:g} only" if classes is None else f"the class {classes[int(known[0])]} only"
            raise TableError(
                f"{rows.table.name}, column {column!r}: the training part has {only}; "
                "try --split stratified, or another seed."
            )


def one_class(rows: MoleculeRows, split: Split) -> list[str]:
    """Say which part lacks a class, or every value, of which target; its metrics are not defined there."""
    said = []
    for position, (column, classes) in enumerate(zip(rows.target_columns, rows.classes, strict=True)):
        for name, part in zip(("training", "validation", "test"), split, strict=True):
            values = rows.targets[part, position]
            kinds = set(values[~np.isnan(values)])
            if not kinds:
                said.append(f"the {name} part has no value of {column!r}")
            elif classes is not None and len(kinds) == 1:
                said.append(f"the {name} part has no {classes[1 - int(kinds.pop())]!r} in {column!r}")
    return said


def constant_parts(rows: MoleculeRows, split: Split) -> list[str]:
    """Say which part has one value only of a target that is a number; R² is not defined there."""
    said = []
    for position, (column, classes) in enumerate(zip(rows.target_columns, rows.classes, strict=True)):
        for name, part in (("validation", split.valid), ("test", split.test)):
            values = rows.targets[part, position]
            values = values[~np.isnan(values)]
            if classes is None and len(values) and (values == values[0]).all():
                count = f"all {len(values)} values" if len(values) > 1 else "the only value"
                said.append(
                    f"{count} of {column!r} in the {name} part {'are' if len(values) > 1 else 'is'} "
                    f"{values[0]:g}: R² is not defined there."
                )
    return said


def _random(rows: MoleculeRows, seed: int) -> Split:
    first = same_molecule(rows)
    return expand(random_split(len(np.unique(first)), seed=seed), first)


def _stratified(rows: MoleculeRows, seed: int) -> Split:
    first = same_molecule(rows)
    return expand(stratified_split(rows.targets[np.unique(first), 0], seed=seed), first)


def _names(columns: Sequence[str]) -> str:
    return " and ".join(repr(column) for column in columns)
