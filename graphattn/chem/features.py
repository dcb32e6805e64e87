"""A molecule as arrays: the ends of its edges, the features of its atoms and bonds, its descriptors. Without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from graphattn.chem.atoms import AtomFeaturizer
from graphattn.chem.bonds import BondFeaturizer
from graphattn.chem.descriptors import compute_descriptors, compute_fingerprints
from graphattn.chem.interrupts import interrupts_held
from graphattn.chem.smiles import canonical_smiles, parse_smiles
from graphattn.chem.splits import scaffold_of


class Identity(NamedTuple):
    """What tells a molecule from others, however its SMILES is written."""

    canonical_smiles: str
    scaffold: str


class MoleculeArrays(NamedTuple):
    """A molecule of N atoms and B bonds; bond `b` is edge `2b` and, the other way, edge `2b + 1`."""

    edge_index: NDArray[np.int64]
    """`[2, 2B]`"""
    x: NDArray[np.float32]
    """atom features, `[N, Fa]`, in RDKit's order"""
    bonds: NDArray[np.float32]
    """bond features, `[B, Fb]`"""
    descriptors: NDArray[np.float64]
    """`[d]`, NaN where one is not defined"""
    identity: Identity | None = None
    """if the featurizer was to find it"""
    fingerprint: NDArray[np.int32] | None = None
    """Morgan counts `[b]`, if the featurizer was to find them"""


@dataclass(frozen=True)
class ArrayFeaturizer:
    """From a SMILES to `MoleculeArrays`.

    Attributes:
        atoms, bonds: make the features of the graph.
        descriptors: the names of the descriptors, in their order; may be none.
        identify: whether to find each molecule's `Identity` too, which training needs.
        fingerprint: columns of the Morgan count fingerprint; 0 for none.
    """

    atoms: AtomFeaturizer
    bonds: BondFeaturizer
    descriptors: tuple[str, ...] = ()
    identify: bool = False
    fingerprint: int = 0

    def __call__(self, smiles: str) -> MoleculeArrays:
        """Return the arrays of one molecule.

        Raises:
            SmilesError: the SMILES cannot be read.
        """
        with interrupts_held():
            mol = parse_smiles(smiles)
            identity = identify(mol) if self.identify else None
            graph = graph_arrays(mol, self.atoms, self.bonds)
            values = compute_descriptors([mol], self.descriptors)[0] if self.descriptors else np.zeros(0)
            counts = compute_fingerprints([mol], size=self.fingerprint)[0] if self.fingerprint else None
        return MoleculeArrays(*graph, values, identity, counts)


def identify(mol: Chem.Mol) -> Identity:
    """Return the identity of an RDKit molecule."""
    return Identity(canonical_smiles(mol), scaffold_of(mol))


def graph_arrays(
    mol: Chem.Mol, atoms: AtomFeaturizer, bonds: BondFeaturizer
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Return the first three of the `MoleculeArrays` of an RDKit molecule."""
    ends = np.array(
        [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()], dtype=np.int64
    ).reshape(-1, 2)
    # [bonds, 2 directions, 2 ends] -> [2, E], a bond's two directions side by side
    edge_index = np.ascontiguousarray(np.stack([ends, ends[:, ::-1]], axis=1).reshape(-1, 2).T)
    return edge_index, atoms(mol), bonds(mol)
