"""What a network sees of a molecule: its graph and, beside it, descriptors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphattn.chem import (
    AtomFeaturizer,
    BondFeaturizer,
    MoleculeGraph,
    compute_descriptors,
    descriptor_names,
    from_mol,
    parse_smiles,
)
from graphattn.tasks.molecule.config import ModelConfig
from graphattn.tasks.molecule.errors import ModelDirectoryError, SettingsError


@dataclass(frozen=True)
class Featurizer:
    """Atom features, bond features and the names of the descriptors, in their order."""

    atoms: AtomFeaturizer
    bonds: BondFeaturizer
    descriptors: tuple[str, ...]

    @classmethod
    def from_config(cls, config: ModelConfig) -> Featurizer:
        """Build what a configuration names.

        Raises:
            SettingsError: a preset is unknown.
        """
        try:
            atoms = AtomFeaturizer.preset(config.atom_features)
            bonds = BondFeaturizer.preset(config.bond_features)
        except ValueError as error:
            raise SettingsError(f"{error}.") from None
        return cls(atoms, bonds, tuple(descriptor_names()) if config.descriptors else ())

    def __call__(self, smiles: str) -> tuple[MoleculeGraph, NDArray[np.float64]]:
        """Return a molecule's graph and its `[d]` descriptors, NaN where one is not defined.

        Raises:
            SmilesError: the SMILES cannot be read.
        """
        mol = parse_smiles(smiles)
        graph = from_mol(mol, atom_featurizer=self.atoms, bond_featurizer=self.bonds)
        if not self.descriptors:
            return graph, np.zeros(0)
        return graph, compute_descriptors([mol], self.descriptors)[0]

    def to_json(self) -> dict[str, Any]:
        """Return the features as a JSON object."""
        return {
            "atoms": self.atoms.to_dict(),
            "bonds": self.bonds.to_dict(),
            "descriptors": list(self.descriptors),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Featurizer:
        """Read what `to_json` wrote.

        Raises:
            ModelDirectoryError: this RDKit lacks a descriptor that the model was trained with.
        """
        descriptors: Sequence[str] = content["descriptors"]
        missing = sorted(set(descriptors) - set(descriptor_names()))
        if missing:
            raise ModelDirectoryError(
                f"the model needs descriptors that this RDKit does not have: {', '.join(missing)}; "
                "install the version that model.json names."
            )
        return cls(
            AtomFeaturizer.from_dict(content["atoms"]), BondFeaturizer.from_dict(content["bonds"]), tuple(descriptors)
        )
