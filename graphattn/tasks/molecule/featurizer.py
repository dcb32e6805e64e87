"""Which features a model gets of a molecule: those of its graph and, beside it, descriptors and a fingerprint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphattn.chem import AtomFeaturizer, BondFeaturizer, SmilesError, descriptor_names
from graphattn.chem.features import ArrayFeaturizer
from graphattn.tasks.common.errors import ModelDirectoryError, SettingsError
from graphattn.tasks.molecule.config import ModelConfig
from graphattn.tasks.molecule.featurize_many import Features, featurize_chunks, featurize_many


@dataclass(frozen=True)
class Featurizer:
    """Atom and bond features, the names of the descriptors in their order, and what is kept of a salt.

    Attributes:
        fingerprint: the number of columns of the Morgan counts.
        molecules: how many are one input together; see `ArrayFeaturizer`.
        own: columns of the table that stand behind the descriptors.
        own_width: how many numbers a function of the user's adds behind these.
    """

    atoms: AtomFeaturizer
    bonds: BondFeaturizer
    descriptors: tuple[str, ...]
    fingerprint: int = 0
    salts: str = "keep"
    molecules: int = 1
    own: tuple[str, ...] = ()
    own_width: int = 0

    @property
    def width(self) -> int:
        """The numbers that stand beside the graph."""
        return len(self.descriptors) * self.molecules + len(self.own) + self.own_width

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
        descriptors = tuple(descriptor_names()) if config.descriptors else ()
        return cls(atoms, bonds, descriptors, salts=config.salts)

    def __call__(self, smiles: str) -> Features:
        """Return a molecule's graph and its `[d]` descriptors, NaN where one is not defined.

        Raises:
            SmilesError: the SMILES cannot be read.
        """
        answer = next(self.each([smiles]))
        if isinstance(answer, str):
            raise SmilesError(answer)
        return answer

    def each(self, smiles: Iterable[Any], *, identify: bool = False) -> Iterator[Features | str]:
        """Yield the features of each molecule, or a sentence that says why there are none; see `featurize_many`.

        Args:
            smiles: the molecules.
            identify: whether to find each molecule's canonical SMILES and scaffold too.
        """
        return featurize_many(self._arrays(identify), smiles)

    def chunks(self, chunks: Iterable[Sequence[Any]], processes: int = 1) -> Iterator[list[Features | str]]:
        """Yield those of each chunk of molecules; see `featurize_chunks`."""
        return featurize_chunks(self._arrays(), chunks, processes)

    def molecule(self, smiles: str) -> Any:
        """Return the RDKit molecule whose atoms are those of the graph.

        Raises:
            SmilesError: the SMILES cannot be read.
        """
        return self._arrays().molecule(smiles)

    def _arrays(self, identify: bool = False) -> ArrayFeaturizer:
        return ArrayFeaturizer(
            self.atoms, self.bonds, self.descriptors, identify, self.fingerprint, self.salts, self.molecules
        )

    def to_json(self) -> dict[str, Any]:
        """Return the features as a JSON object."""
        return {
            "atoms": self.atoms.to_dict(),
            "bonds": self.bonds.to_dict(),
            "descriptors": list(self.descriptors),
            "fingerprint": self.fingerprint,
            "salts": self.salts,
            "molecules": self.molecules,
            "own": list(self.own),
            "own_width": self.own_width,
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
            AtomFeaturizer.from_dict(content["atoms"]),
            BondFeaturizer.from_dict(content["bonds"]),
            tuple(descriptors),
            int(content.get("fingerprint", 0)),  # older models have none
            content.get("salts", "keep"),
            int(content.get("molecules", 1)),
            tuple(content.get("own", ())),
            int(content.get("own_width", 0)),
        )
