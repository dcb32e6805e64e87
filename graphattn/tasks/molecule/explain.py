"""Explanations of a predictor's answers: numbers for atoms and bonds, drawn on the molecule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from graphattn.chem.draw import draw_molecule, draw_png
from graphattn.tasks.common.errors import SettingsError
from graphattn.tasks.molecule.attribution import METHODS, Attribution, Check, Explained, attribute, check

if TYPE_CHECKING:
    from torch_geometric.data import Data

    from graphattn.tasks.molecule.config import ModelConfig
    from graphattn.tasks.molecule.featurize_many import Features
    from graphattn.tasks.molecule.records import Fitted


@dataclass(frozen=True)
class Explanation:
    """Why one molecule got its prediction, as far as the networks tell.

    Attributes:
        smiles: as it was given.
        target: the column that was predicted.
        method: see `Explainer`.
        attribution: numbers for atoms and bonds.
        molecule: the RDKit molecule whose atoms they are; salts may have been left out.
        data: what the networks saw.
    """

    smiles: str
    target: str
    method: str
    attribution: Attribution
    molecule: Any
    data: Data

    def svg(self, size: tuple[int, int] = (360, 260)) -> str:
        """The molecule with a disc behind each atom: orange raises the prediction, blue lowers it."""
        return draw_molecule(self.molecule, atom_weights=self._on_atoms(), size=size)

    def png(self, size: tuple[int, int] = (720, 520)) -> bytes:
        """The same as a PNG picture."""
        return draw_png(self.molecule, atom_weights=self._on_atoms(), size=size)

    def _on_atoms(self) -> Any:
        """The numbers of atoms, and half of each bond's at either end."""
        found = self.attribution.atoms.copy()
        for bond, value in zip(self.molecule.GetBonds(), self.attribution.bonds, strict=True):
            for atom in (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()):
                found[atom] += value / 2
        return found

    def rows(self) -> Iterator[tuple[str, int, str, float]]:
        """The kind ("atom" or "bond"), number, symbols and value of each atom and bond."""
        symbols = [atom.GetSymbol() for atom in self.molecule.GetAtoms()]
        for number, value in enumerate(self.attribution.atoms):
            yield "atom", number, symbols[number], float(value)
        for bond, value in zip(self.molecule.GetBonds(), self.attribution.bonds, strict=True):
            ends = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
            text = "-".join(f"{symbols[atom]}{atom}" for atom in ends)
            yield "bond", bond.GetIdx(), text, float(value)


class Predictor(Protocol):
    """What is explained: a fitted `MoleculePredictor`."""

    model: ModelConfig

    def require_fitted(self) -> Fitted:
        """What the training found out."""

    def networks(self) -> Sequence[Any]:
        """The networks."""

    def to_data(self, features: Features) -> Data:
        """A molecule as the networks take it."""


class Explainer:
    """Explains the networks of a predictor.

    Args:
        predictor: a fitted one.
        target: the column to explain; the first when None.
        method: "gradients", "occlusion" or "attention"; see `graphattn.tasks.molecule.attribution.attribute`.

    Raises:
        SettingsError: an unknown method or target, or a predictor that learned from columns beside SMILES.
    """

    def __init__(self, predictor: Predictor, target: str | None = None, method: str = "gradients") -> None:
        fitted = predictor.require_fitted()
        if method not in METHODS:
            raise SettingsError(f"method must be one of {', '.join(METHODS)}, got {method!r}.")
        names = list(fitted.target_columns)
        if target is not None and target not in names:
            raise SettingsError(f"the model predicts {', '.join(names)}, not {target!r}.")
        if fitted.featurizer.own or fitted.featurizer.own_width:
            raise SettingsError("a model that learned from columns or functions beside SMILES cannot be explained.")
        self.target, self.method = target or names[0], method
        self._predictor, self._featurizer = predictor, fitted.featurizer
        if method == "attention" and predictor.model.attention == "bonds":
            raise SettingsError("the networks' attention is between bonds; explain them by gradients or occlusion.")
        place = names.index(self.target)
        scaler = fitted.target_scaler
        self._function = Explained(predictor.networks(), place, float(scaler.std[place]), float(scaler.mean[place]))

    def each(self, smiles: Iterable[str]) -> Iterator[Explanation | str]:
        """Yield the explanation of each molecule, or a sentence that says why there is none."""
        texts = list(smiles)
        for text, features in zip(texts, self._featurizer.each(texts), strict=True):
            if isinstance(features, str):
                yield features
                continue
            data = self._predictor.to_data(features)
            molecule = self._featurizer.molecule(text)
            yield Explanation(
                text, self.target, self.method, attribute(self._function, data, self.method), molecule, data
            )

    def check(self, explanations: Iterable[Explanation]) -> Check:
        """Test explanations by deletion: without the atoms that matter, the prediction should move more."""
        found = list(explanations)
        return check(self._function, [each.data for each in found], [each.attribution for each in found])
