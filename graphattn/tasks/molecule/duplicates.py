"""Molecules that stand in a table more than once, however their SMILES are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphattn.chem import Split
from graphattn.tasks.common.errors import SettingsError, TableError
from graphattn.tasks.common.rejects import Reject
from graphattn.tasks.molecule.rows import MoleculeRows

POLICIES = ("keep", "mean", "first", "drop", "error")
_LISTED = 3


def check_policy(policy: str) -> None:
    """Refuse a name that is no policy.

    Raises:
        SettingsError: naming those there are.
    """
    if policy not in POLICIES:
        raise SettingsError(f"duplicates must be one of {', '.join(POLICIES)}, got {policy!r}.")


def same_molecule(rows: MoleculeRows) -> NDArray[np.int64]:
    """Return for each molecule the position of its first copy, `[n]`."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(molecule.canonical_smiles, row) for row, molecule in enumerate(rows.identities)])


def merge_copies(rows: MoleculeRows, policy: str) -> MoleculeRows:
    """Make one row of the copies of each molecule, or leave them.

    Args:
        rows: the molecules.
        policy: "keep" leaves all; "mean" gives the first copy the mean of the values (of classes the class, where all
            copies have the same, else none); "first" keeps the first copy as it is; "drop" leaves a molecule whose
            values differ out, and keeps the first of the others; "error" refuses any copies.

    Returns:
        The rows that stay; those left out are among the rejects, each with the reason.

    Raises:
        TableError: there are copies, and the policy is "error"; or nothing is left.
    """
    first = same_molecule(rows)
    copied, counts = np.unique(first, return_counts=True)
    copied = copied[counts > 1]
    if policy == "keep" or not len(copied):
        return rows
    if policy == "error":
        raise TableError(
            f"{rows.table.name}: {_count(len(copied))} in the table more than once: {_listed(rows, first, copied)}. "
            "--duplicates mean, first or drop makes one row of each."
        )
    differing = [row for row in copied if _differ(rows.targets[first == row])]
    note = f"{_count(len(copied))} in the table more than once"
    if differing:
        note += f", {len(differing)} of them with different values ({_listed(rows, first, differing)})"
    targets, reasons = rows.targets.copy(), dict[int, str]()
    for row in copied:
        copies = np.flatnonzero(first == row)
        values = rows.targets[copies]
        line = f"{rows.table.unit} {rows.table.lines[rows.rows[row]]}"
        if policy == "drop" and _differ(values):
            reasons |= dict.fromkeys(copies.tolist(), f"its copies have different values, see {line}")
            continue
        how = "its value went into the mean there" if policy == "mean" else "only the first is kept"
        reasons |= dict.fromkeys(copies[1:].tolist(), f"the same molecule as on {line}; {how}")
        if policy == "mean":
            targets[row] = [_merged(column, k is not None) for column, k in zip(values.T, rows.classes, strict=True)]
            if np.isnan(targets[row]).all():
                reasons[int(row)] = "its copies are of different classes"
    stay = [row for row in range(len(rows)) if row not in reasons]
    if not stay:
        raise TableError(f"{rows.table.name}: --duplicates {policy} leaves no row.")
    rejects = [Reject(rows.rows[row], rows.smiles_column, rows.smiles[row], reasons[row]) for row in sorted(reasons)]
    pick = _picker(stay)
    return replace(
        rows,
        smiles=pick(rows.smiles),
        targets=targets[stay],
        rows=pick(rows.rows),
        parts=None if rows.parts is None else pick(rows.parts),
        rejects=sorted([*rows.rejects, *rejects], key=lambda reject: reject.row),
        molecules=pick(rows.molecules),
        identities=pick(rows.identities),
        notes=[*rows.notes, f"{note}; --duplicates {policy} left {_rows(len(reasons))} out."],
    )


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
    differing = [row for row in copied if _differ(rows.targets[first == row])]
    crossing = int(np.isin(first[split.test], first[np.concatenate([split.train, split.valid])]).sum())
    sentence = f"{_count(len(copied))} in the table more than once"
    if differing:
        sentence += f", {len(differing)} of them with different values ({_listed(rows, first, differing)})"
    where = f"{crossing} of {len(split.test)} test molecules also train or validate, which flatters the test"
    return (
        f"{sentence}; all rows are kept (--duplicates mean, first or drop makes one of each); "
        f"{where if crossing else 'copies are in one part of the split'}"
    )


def conflicts(rows: MoleculeRows) -> list[dict[str, Any]]:
    """Return the molecules whose copies have different values.

    Returns:
        For each its canonical `smiles`, the `lines` of its copies and their `values`, `[copies][T]`, None where one is
        missing.
    """
    first = same_molecule(rows)
    copied, counts = np.unique(first, return_counts=True)
    found = []
    for row in copied[counts > 1]:
        copies = np.flatnonzero(first == row)
        if _differ(rows.targets[copies]):
            found.append(
                {
                    "smiles": rows.identities[row].canonical_smiles,
                    "lines": [rows.table.lines[rows.rows[copy]] for copy in copies],
                    "values": [[None if np.isnan(v) else float(v) for v in rows.targets[copy]] for copy in copies],
                }
            )
    return found


def _listed(rows: MoleculeRows, first: NDArray[np.int64], molecules: Sequence[int] | NDArray[np.int64]) -> str:
    """Name some molecules, their lines and their values."""
    said = []
    for row in molecules[:_LISTED]:
        copies = np.flatnonzero(first == row)
        lines = ", ".join(str(rows.table.lines[rows.rows[copy]]) for copy in copies)
        values = ", ".join(_value(rows, int(copy)) for copy in copies)
        said.append(f"{rows.identities[row].canonical_smiles} on {rows.table.unit}s {lines}: {values}")
    more = len(molecules) - _LISTED
    return "; ".join(said) + (f"; and {more} more" if more > 0 else "")


def _value(rows: MoleculeRows, row: int) -> str:
    """Write the values of a row as they stand in the table."""
    at = [rows.table.column(column) for column in rows.target_columns]
    return "/".join(rows.table.cell(rows.rows[row], place) or "–" for place in at)


def _rows(count: int) -> str:
    return f"{count} row{'s' if count != 1 else ''}"


def _count(count: int) -> str:
    return f"{count} molecule{'s' if count > 1 else ''} stand{'' if count > 1 else 's'}"


def _picker(stay: Sequence[int]) -> Any:
    return lambda values: [values[row] for row in stay]


def _merged(values: NDArray[np.float64], classes: bool) -> float:
    """Return the mean of the known values; of classes the only one, NaN where there are several or none."""
    known = values[~np.isnan(values)]
    if not known.size or (classes and (known != known[0]).any()):
        return float("nan")
    return float(known.mean())


def _differ(values: NDArray[np.float64]) -> bool:
    """Tell whether some target has more than one value; `[copies, T]`."""
    return any(len(np.unique(column[~np.isnan(column)])) > 1 for column in values.T)
