"""Salts and mixtures: what is kept of a molecule of several parts."""

from __future__ import annotations

from functools import cache
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem.MolStandardize import rdMolStandardize

SALTS = ("keep", "largest", "neutralize")
"""What `strip_salts` can do, the default first."""


def strip_salts(mol: Chem.Mol, how: str) -> Chem.Mol:
    """Return what is kept of a molecule.

    Args:
        mol: the molecule; it is not changed.
        how: "keep" returns it as it is; "largest" its largest part, an organic one before others, without
            counterions and solvents; "neutralize" that part with its charges removed where hydrogens can be added
            or taken, as from an ammonium or a carboxylate.

    Raises:
        ValueError: `how` is none of these.

    >>> from graphattn.chem import parse_smiles
    >>> [Chem.MolToSmiles(strip_salts(parse_smiles("CC(=O)[O-].[Na+]"), how)) for how in SALTS]
    ['CC(=O)[O-].[Na+]', 'CC(=O)[O-]', 'CC(=O)O']
    """
    if how not in SALTS:
        raise ValueError(f"salts must be one of {', '.join(SALTS)}, got {how!r}")
    if how == "keep":
        return mol
    with rdBase.BlockLogs():
        kept = _largest().choose(mol)
        return kept if how == "largest" else _uncharger().uncharge(kept)


def parts_of(mol: Chem.Mol) -> int:
    """Return how many parts a molecule has that no bond links; more than one in a salt or a mixture."""
    return len(Chem.GetMolFrags(mol))


@cache
def _largest() -> Any:
    return rdMolStandardize.LargestFragmentChooser(preferOrganic=True)


@cache
def _uncharger() -> Any:
    return rdMolStandardize.Uncharger()
