"""Bond features: named presets from the literature, each a table of one-hot categories and numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rdkit import Chem

from graphattn.chem.multihot import MoleculeReader, MultiHotFeaturizer

if TYPE_CHECKING:
    from typing_extensions import Self

_TYPES = ["SINGLE", "DOUBLE", "TRIPLE", "AROMATIC"]
_STEREO = ["STEREONONE", "STEREOANY", "STEREOZ", "STEREOE"]


def _of_each_bond(value: Callable[[Chem.Bond], Any]) -> Callable[[MoleculeReader], list[Any]]:
    return lambda reader: [value(bond) for bond in reader.bonds]


_VALUES = {
    "type": _of_each_bond(lambda bond: bond.GetBondType().name),
    "stereo": _of_each_bond(lambda bond: bond.GetStereo().name),
    "conjugated": _of_each_bond(Chem.Bond.GetIsConjugated),
    "in ring": _of_each_bond(Chem.Bond.IsInRing),
}


class BondFeaturizer(MultiHotFeaturizer):
    """Describe each bond of a molecule by one vector.

    `featurizer(mol)` gives `[num_bonds, len(featurizer)]` float32, `featurizer.names` says what each entry
    means. Every category ends with a slot for values it does not know.

    Properties to choose from: `type` (SINGLE, DOUBLE, TRIPLE, AROMATIC, DATIVE, ...), `stereo` (STEREONONE,
    STEREOANY, STEREOZ, STEREOE, STEREOCIS, STEREOTRANS, ...), and, as 0 or 1, `conjugated` and `in ring`.

    >>> from graphattn.chem import parse_smiles
    >>> featurizer = BondFeaturizer({"type": ["SINGLE", "DOUBLE"], "conjugated": None})
    >>> featurizer(parse_smiles("CC=O")).tolist()
    [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]
    """

    VALUES = _VALUES
    TEXT = ("type", "stereo")
    PRESETS = ("chemprop", "attentive_fp", "ogb")

    @staticmethod
    def rows(reader: MoleculeReader) -> int:
        """Return the number of bonds."""
        return len(reader.bonds)

    @classmethod
    def chemprop(cls) -> Self:
        """Return Chemprop's bond features, 14 of them.

        Reference: Heid et al. 2024, J. Chem. Inf. Model. 64:9, doi:10.1021/acs.jcim.3c01250. Chemprop's first
        entry marks a missing bond, which a graph has not; ours, in exchange, is the unknown slot of the bond
        type.
        """
        return cls(
            {
                "type": _TYPES,
                "conjugated": None,
                "in ring": None,
                "stereo": [*_STEREO, "STEREOCIS", "STEREOTRANS"],
            }
        )

    @classmethod
    def attentive_fp(cls) -> Self:
        """Return the bond features of Attentive FP, 12 of them.

        Reference: Xiong et al. 2020, J. Med. Chem. 63:8749, doi:10.1021/acs.jmedchem.9b00959, table 1. The
        paper's 10 and, ours, unknown slots for type and stereo.
        """
        return cls({"type": _TYPES, "conjugated": None, "in ring": None, "stereo": _STEREO})

    @classmethod
    def ogb(cls) -> Self:
        """Return the bond features of the Open Graph Benchmark's molecules, 13 once one-hot.

        Reference: Hu et al. 2020, arXiv:2005.00687, section 6. Ours is the unknown slot for stereo.
        """
        stereo = ["STEREONONE", "STEREOZ", "STEREOE", "STEREOCIS", "STEREOTRANS", "STEREOANY"]
        return cls({"type": _TYPES, "stereo": stereo, "conjugated": None})
