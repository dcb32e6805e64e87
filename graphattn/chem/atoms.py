"""Atom features: named presets from the literature, each a table of one-hot categories and numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from graphattn.chem.multihot import MoleculeReader, MultiHotFeaturizer

if TYPE_CHECKING:
    from typing_extensions import Self

_CHIRAL_TAGS = ["CHI_UNSPECIFIED", "CHI_TETRAHEDRAL_CW", "CHI_TETRAHEDRAL_CCW", "CHI_OTHER"]


def _of_each_atom(value: Callable[[Chem.Atom], Any]) -> Callable[[MoleculeReader], list[Any]]:
    return lambda reader: [value(atom) for atom in reader.atoms]


def _cip_codes(reader: MoleculeReader) -> list[str]:
    """Return R, S, ? (a center whose code is not given) or none for each atom."""
    codes = ["none"] * len(reader.atoms)
    copy = Chem.Mol(reader.mol)  # the search writes its findings into the molecule
    for atom, code in Chem.FindMolChiralCenters(copy, includeUnassigned=True, useLegacyImplementation=False):
        codes[atom] = code
    return codes


def _in_ring_of(size: int) -> Callable[[MoleculeReader], list[Any]]:
    def values(reader: MoleculeReader) -> list[bool]:
        rings = reader.mol.GetRingInfo()
        if not rings.NumRings():
            return [False] * len(reader.atoms)
        return [rings.IsAtomInRingOfSize(at, size) for at in range(len(reader.atoms))]

    return values


def _rings(reader: MoleculeReader) -> list[int]:
    rings = reader.mol.GetRingInfo()
    return [min(rings.NumAtomRings(at), 3) for at in range(len(reader.atoms))]


def _surface(reader: MoleculeReader) -> list[float]:
    """Return Labute's areas; 0 where there is none, as of dummy atoms bound to one another."""
    areas = np.array(list(rdMolDescriptors._CalcLabuteASAContribs(reader.mol)[0]))
    return (np.nan_to_num(areas, nan=0.0, posinf=0.0, neginf=0.0) / 10).tolist()


def _gasteiger(name: str) -> Callable[[MoleculeReader], list[Any]]:
    """Read partial charges; 0 where the method has no parameters (metals), cut at ±2."""

    def charges(reader: MoleculeReader) -> list[float]:
        values = np.array([atom.GetDoubleProp(name) for atom in reader.charged])
        return np.clip(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), -2, 2).tolist()

    return charges


_VALUES = {
    "atomic number": _of_each_atom(Chem.Atom.GetAtomicNum),
    "element": _of_each_atom(Chem.Atom.GetSymbol),
    "degree": _of_each_atom(Chem.Atom.GetTotalDegree),
    "heavy degree": _of_each_atom(Chem.Atom.GetDegree),
    "charge": _of_each_atom(Chem.Atom.GetFormalCharge),
    "chiral tag": _of_each_atom(lambda atom: atom.GetChiralTag().name),
    "CIP code": _cip_codes,
    "hydrogens": _of_each_atom(lambda atom: atom.GetTotalNumHs(includeNeighbors=True)),
    "radical electrons": _of_each_atom(Chem.Atom.GetNumRadicalElectrons),
    "hybridization": _of_each_atom(lambda atom: atom.GetHybridization().name),
    "aromatic": _of_each_atom(Chem.Atom.GetIsAromatic),
    "in ring": _of_each_atom(Chem.Atom.IsInRing),
    "stereo center": lambda reader: [code != "none" for code in _cip_codes(reader)],
    "mass": _of_each_atom(lambda atom: atom.GetMass() / 100),
    "rings": _rings,
    **{f"in {size}-ring": _in_ring_of(size) for size in range(3, 8)},
    "logP": lambda reader: [logp for logp, _ in reader.crippen],
    "refractivity": lambda reader: [refractivity / 3 for _, refractivity in reader.crippen],
    "polar area": lambda reader: [area / 20 for area in rdMolDescriptors._CalcTPSAContribs(reader.mol)],
    "surface area": _surface,
    "partial charge": _gasteiger("_GasteigerCharge"),
    "hydrogens' charge": _gasteiger("_GasteigerHCharge"),
}


class AtomFeaturizer(MultiHotFeaturizer):
    """Describe each atom of a molecule by one vector.

    `featurizer(mol)` gives `[num_atoms, len(featurizer)]` float32, `featurizer.names` says what each entry
    means. Every category ends with a slot for values it does not know.

    Properties to choose from:

    ==================  ============================================================================
    atomic number       1 for H, 6 for C, 0 for a dummy atom
    element             symbol
    degree              neighbors, hydrogens included
    heavy degree        neighbors drawn as atoms of their own: hydrogens usually not
    charge              formal charge
    chiral tag          RDKit's tag, CHI_TETRAHEDRAL_CW and so on; depends on the order of the atoms
    CIP code            R or S at a stereo center, ? where it is not given, none elsewhere
    hydrogens           all hydrogens bound
    radical electrons   unpaired electrons
    hybridization       S, SP, SP2, SP2D, SP3, SP3D, SP3D2
    aromatic            0 or 1
    in ring             0 or 1
    stereo center       0 or 1, whether or not R or S is given
    mass                atomic mass / 100
    rings               rings the atom is in, 3 at most
    in 3-ring           0 or 1; likewise in 4-ring to in 7-ring
    logP                the atom's share of Crippen's logP
    refractivity        the atom's share of Crippen's molar refractivity / 3, cm³/mol
    polar area          the atom's share of the topological polar surface area / 20, Å²
    surface area        the atom's share of Labute's approximate surface area / 10, Å²; these four leave out
                        what implicit hydrogens add
    partial charge      Gasteiger's, in elementary charges
    hydrogens' charge   Gasteiger's, of the hydrogens bound
    ==================  ============================================================================

    >>> from graphattn.chem import parse_smiles
    >>> featurizer = AtomFeaturizer({"element": ["C", "O"], "hydrogens": None})
    >>> featurizer.names
    ['element=C', 'element=O', 'element=other', 'hydrogens']
    >>> featurizer(parse_smiles("CO")).tolist()
    [[1.0, 0.0, 0.0, 3.0], [0.0, 1.0, 0.0, 1.0]]
    """

    VALUES = _VALUES
    TEXT = ("element", "chiral tag", "CIP code", "hybridization")
    PRESETS = ("chemprop", "attentive_fp", "ogb", "physchem")

    @staticmethod
    def rows(reader: MoleculeReader) -> int:
        """Return the number of atoms."""
        return len(reader.atoms)

    @classmethod
    def chemprop(cls) -> Self:
        """Return Chemprop's default (its `v2`), 72 features; elements up to krypton, and iodine.

        Reference: Heid et al. 2024, J. Chem. Inf. Model. 64:9, doi:10.1021/acs.jcim.3c01250.
        """
        return cls(
            {
                "atomic number": [*range(1, 37), 53],
                "degree": range(6),
                "charge": [-1, -2, 1, 2, 0],
                "chiral tag": _CHIRAL_TAGS,
                "hydrogens": range(5),
                "hybridization": ["S", "SP", "SP2", "SP2D", "SP3", "SP3D", "SP3D2"],
                "aromatic": None,
                "mass": None,
            }
        )

    @classmethod
    def attentive_fp(cls) -> Self:
        """Return the features of Attentive FP, 43 of them.

        Reference: Xiong et al. 2020, J. Med. Chem. 63:8749, doi:10.1021/acs.jmedchem.9b00959, table 1. The
        paper's 39 and, ours, unknown slots for degree, hydrogens and CIP code, and a slot for centers whose
        code is not given.
        """
        return cls(
            {
                "element": ["B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "As", "Se", "Br", "Te", "I", "At"],
                "heavy degree": range(6),
                "charge": None,
                "radical electrons": None,
                "hybridization": ["SP", "SP2", "SP3", "SP3D", "SP3D2"],
                "aromatic": None,
                "hydrogens": range(5),
                "stereo center": None,
                "CIP code": ["R", "S", "?"],
            }
        )

    @classmethod
    def ogb(cls) -> Self:
        """Return the features of the Open Graph Benchmark's molecules, 172 once one-hot.

        Reference: Hu et al. 2020, arXiv:2005.00687, section 6. The benchmark stores categories as integers
        for an embedding; one-hot vectors into a linear layer are the same function, with the tables summed.
        """
        return cls(
            {
                "atomic number": range(1, 119),
                "chiral tag": _CHIRAL_TAGS,
                "degree": range(11),
                "charge": range(-5, 6),
                "hydrogens": range(9),
                "radical electrons": range(5),
                "hybridization": ["SP", "SP2", "SP3", "SP3D", "SP3D2"],
                "aromatic": None,
                "in ring": None,
            }
        )

    @classmethod
    def physchem(cls) -> Self:
        """Return Chemprop's features and what each atom adds to the molecule's physical chemistry, 85 in all.

        Rings by size, and per-atom shares of logP, refractivity, surface and charge: properties such as solubility
        are nearly sums of them.

        References: Heid et al. 2024 (see `chemprop`); Wildman & Crippen 1999, J. Chem. Inf. Comput. Sci. 39:868
        (logP, refractivity); Ertl et al. 2000, J. Med. Chem. 43:3714 (polar area); Labute 2000, J. Mol. Graph.
        Model. 18:464 (surface area); Gasteiger & Marsili 1980, Tetrahedron 36:3219 (charges).
        """
        rings = dict.fromkeys(["in ring", *(f"in {size}-ring" for size in range(3, 8)), "rings"])
        shares = ["logP", "refractivity", "polar area", "surface area", "partial charge", "hydrogens' charge"]
        return cls({**cls.chemprop().to_dict(), **rings, **dict.fromkeys(shares)})
