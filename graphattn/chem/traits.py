"""What tells how far a molecule is from others: the substructures it holds, its elements and its size."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

SUBSTRUCTURES = 2048
"""columns that the circular substructures are folded into"""


class Traits(NamedTuple):
    """What molecules are compared by."""

    substructures: NDArray[np.int16]
    """which of the `SUBSTRUCTURES` columns it has, rising (Morgan fingerprint of radius 2)"""
    elements: tuple[str, ...]
    """symbols, in the order of the alphabet; hydrogen only where it is written as an atom"""
    atoms: int
    """without hydrogens that are not written"""


def traits_of(mol: Chem.Mol) -> Traits:
    """Return the traits of an RDKit molecule.

    Reference: Rogers and Hahn 2010, J. Chem. Inf. Model. 50:742, doi:10.1021/ci100050t.
    """
    found = _generator().GetFingerprint(mol).GetOnBits()
    elements = tuple(sorted({atom.GetSymbol() for atom in mol.GetAtoms()}))
    return Traits(np.array(list(found), dtype=np.int16), elements, mol.GetNumAtoms())


@cache
def _generator() -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=SUBSTRUCTURES)
