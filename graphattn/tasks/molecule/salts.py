"""What is said of salts and mixtures in a table."""

from __future__ import annotations

from graphattn.tasks.molecule.rows import MoleculeRows


def describe_salts(rows: MoleculeRows, how: str) -> list[str]:
    """Say how many molecules have several parts, and what became of them; nothing where none has.

    Args:
        rows: the molecules, read as `how` says.
        how: "keep", "largest" or "neutralize"; see `graphattn.chem.strip_salts`.
    """
    several = sum(molecule.parts > 1 for molecule in rows.identities)
    altered = sum(molecule.altered for molecule in rows.identities)
    if how == "keep":
        if not several:
            return []
        return [
            f"{_molecules(several)} of several parts (salts, mixtures): each is seen whole; --salts largest keeps the "
            "largest part, --salts neutralize that part without charges."
        ]
    done = "its largest part is seen" if how == "largest" else "its largest part is seen, without charges"
    return [f"{_molecules(several)} of several parts (salts, mixtures): {done}; {_molecules(altered)} changed by that."]


def _molecules(count: int) -> str:
    return f"{count} molecule{'s' if count != 1 else ''}"
