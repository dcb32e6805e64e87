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
from graphattn.chem.salts import parts_of, strip_salts
from graphattn.chem.smiles import JOIN, SmilesError, canonical_smiles, parse_smiles
from graphattn.chem.splits import scaffold_of
from graphattn.chem.traits import Traits, traits_of


class Identity(NamedTuple):
    """What tells a molecule from others, however its SMILES is written."""

    canonical_smiles: str
    scaffold: str
    parts: int = 1
    """of the molecule as it was given; more than one in a salt or a mixture"""
    altered: bool = False
    """whether something was left out of it, or its charges were removed"""


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
    traits: Traits | None = None
    """of those that `ArrayFeaturizer` makes, always"""


@dataclass(frozen=True)
class ArrayFeaturizer:
    """From a SMILES to `MoleculeArrays`.

    Attributes:
        atoms, bonds: make the features of the graph.
        descriptors: the names of the descriptors, in their order; may be none.
        identify: whether to find each molecule's `Identity` too, which training needs.
        fingerprint: columns of the Morgan count fingerprint; 0 for none.
        salts: what is kept of a salt or a mixture; see `strip_salts`.
        molecules: how many are one input together, a solute and its solvent for instance; their SMILES stand in one
            text with `JOIN` between them. The graph is that of all, descriptors and counts stand side by side.
    """

    atoms: AtomFeaturizer
    bonds: BondFeaturizer
    descriptors: tuple[str, ...] = ()
    identify: bool = False
    fingerprint: int = 0
    salts: str = "keep"
    molecules: int = 1

    def __call__(self, smiles: str) -> MoleculeArrays:
        """Return the arrays of one molecule, or of several together.

        Raises:
            SmilesError: the SMILES cannot be read.
        """
        with interrupts_held():
            given = [parse_smiles(text) for text in self._texts(smiles)]
            mols = [_kept(mol, self.salts) for mol in given]
            identity = _joint([identify(*pair) for pair in zip(mols, given, strict=True)]) if self.identify else None
            mol = _one(mols)
            graph = graph_arrays(mol, self.atoms, self.bonds)
            values = compute_descriptors(mols, self.descriptors).ravel() if self.descriptors else np.zeros(0)
            counts = compute_fingerprints(mols, size=self.fingerprint).ravel() if self.fingerprint else None
        return MoleculeArrays(*graph, values, identity, counts, traits_of(mol))

    def molecule(self, smiles: str) -> Chem.Mol:
        """Return the RDKit molecule whose atoms are those of the graph.

        Raises:
            SmilesError: the SMILES cannot be read.
        """
        with interrupts_held():
            return _one([_kept(parse_smiles(text), self.salts) for text in self._texts(smiles)])

    def _texts(self, smiles: str) -> list[str]:
        if self.molecules == 1 or not isinstance(smiles, str) or not smiles:
            return [smiles]
        texts = smiles.split(JOIN)
        if len(texts) != self.molecules:
            raise SmilesError(f"{self.molecules} SMILES with {JOIN!r} between them are expected, got {len(texts)}")
        return texts


def _joint(each: list[Identity]) -> Identity:
    """Return what tells several molecules together from others; the first has the scaffold."""
    return Identity(
        JOIN.join(one.canonical_smiles for one in each),
        each[0].scaffold,
        max(one.parts for one in each),
        any(one.altered for one in each),
    )


def _one(mols: list[Chem.Mol]) -> Chem.Mol:
    """Return several molecules as one."""
    joint = mols[0]
    if len(mols) == 1:
        return joint
    for mol in mols[1:]:
        joint = Chem.CombineMols(joint, mol)
    Chem.SanitizeMol(joint)
    return joint


def identify(mol: Chem.Mol, given: Chem.Mol | None = None) -> Identity:
    """Return the identity of an RDKit molecule, made of `given` by leaving something out; None for all of it."""
    canonical = canonical_smiles(mol)
    altered = given is not None and given is not mol and canonical_smiles(given) != canonical
    return Identity(canonical, scaffold_of(mol), parts_of(mol if given is None else given), altered)


def _kept(mol: Chem.Mol, salts: str) -> Chem.Mol:
    try:
        return strip_salts(mol, salts)
    except (Chem.MolSanitizeException, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise SmilesError(f"RDKit cannot leave out the salts of {canonical_smiles(mol)} ({reason})") from None


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
