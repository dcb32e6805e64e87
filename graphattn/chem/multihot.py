"""Feature vectors of one-hot categories and numbers, described by a table that can be written as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors, rdPartialCharges

if TYPE_CHECKING:
    from typing_extensions import Self

    Choices = Sequence[str | int] | None

_EARLIER_NAMES = {"stereo centre": "stereo center"}


class MoleculeReader:
    """A molecule, and what several properties are read from, found once when it is first asked for."""

    def __init__(self, mol: Chem.Mol) -> None:
        self.mol = mol

    @cached_property
    def atoms(self) -> list[Chem.Atom]:
        """In RDKit's order."""
        return list(self.mol.GetAtoms())

    @cached_property
    def bonds(self) -> list[Chem.Bond]:
        """In RDKit's order."""
        return list(self.mol.GetBonds())

    @cached_property
    def charged(self) -> list[Chem.Atom]:
        """The atoms of a copy with Gasteiger's charges, which are written into the molecule."""
        self._copy = Chem.Mol(self.mol)  # it must live as long as its atoms
        rdPartialCharges.ComputeGasteigerCharges(self._copy)
        return list(self._copy.GetAtoms())

    @cached_property
    def crippen(self) -> list[tuple[float, float]]:
        """Each atom's share of Crippen's logP and of the molar refractivity."""
        return list(rdMolDescriptors._CalcCrippenContribs(self.mol))


class MultiHotFeaturizer:
    """Describe each atom, or each bond, of a molecule by one vector; base of the two featurizers.

    Args:
        features: for each property, in this order, either its known values or None. A property with known
            values becomes a one-hot block with one slot more, the last, for every other value; a property
            with None becomes one number.

    Raises:
        ValueError: a property is unknown, is text without known values, or has a known value twice; the
            message names it.
    """

    VALUES: ClassVar[Mapping[str, Callable[[MoleculeReader], Sequence[Any]]]]
    """how to read each property: a molecule to one value per part"""
    TEXT: ClassVar[Sequence[str]]
    """the properties whose values are text, which therefore need known values"""
    PRESETS: ClassVar[Sequence[str]]
    """names of the class methods that build a published choice of features"""

    def __init__(self, features: Mapping[str, Choices]):
        kind = type(self).__name__
        if not features:
            raise ValueError(f"features must name at least one property, one of {', '.join(self.VALUES)}")
        for name, choices in features.items():
            if name not in self.VALUES:
                raise ValueError(f"{kind} knows no property {name!r}; it knows {', '.join(self.VALUES)}")
            if choices is None and name in self.TEXT:
                raise ValueError(f"property {name!r} is text, not a number: list its known values")
            if choices is not None and not 0 < len(set(choices)) == len(choices):
                raise ValueError(f"known values of {name!r} must be distinct and at least one, got {list(choices)}")
        self._features = {name: None if choices is None else tuple(choices) for name, choices in features.items()}
        self._slots = {
            name: {choice: place for place, choice in enumerate(choices)}
            for name, choices in self._features.items()
            if choices is not None
        }

    @classmethod
    def preset(cls, name: str) -> Self:
        """Build the preset called `name`; `PRESETS` lists the names."""
        if name not in cls.PRESETS:
            raise ValueError(f"{cls.__name__} has no preset {name!r}; it has {', '.join(cls.PRESETS)}")
        return getattr(cls, name)()

    @property
    def names(self) -> list[str]:
        """What each entry of the vector means, `property=value` or `property`."""
        names: list[str] = []
        for name, choices in self._features.items():
            if choices is None:
                names.append(name)
            else:
                names += [f"{name}={choice}" for choice in (*choices, "other")]
        return names

    def __len__(self) -> int:
        return sum(1 if choices is None else len(choices) + 1 for choices in self._features.values())

    def __call__(self, mol: Chem.Mol) -> np.ndarray:
        """Return one row per atom (or bond), `[rows, len(self)]` float32, in RDKit's order."""
        reader = MoleculeReader(mol)
        table = np.zeros((self.rows(reader), len(self)), dtype=np.float32)
        every = np.arange(len(table))
        start = 0
        for name, choices in self._features.items():
            values = self.VALUES[name](reader)
            if choices is None:
                table[:, start] = values
                start += 1
            else:
                slot = self._slots[name]
                places = [slot.get(value, len(slot)) for value in values]
                table[every, np.array(places, dtype=np.intp) + start] = 1.0
                start += len(slot) + 1
        return table

    @staticmethod
    def rows(reader: MoleculeReader) -> int:
        """Return the number of atoms (or bonds)."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, list[str | int] | None]:
        """Return the table given to the constructor, ready for JSON; `from_dict` reads it back."""
        return {name: None if choices is None else list(choices) for name, choices in self._features.items()}

    @classmethod
    def from_dict(cls, features: Mapping[str, Choices]) -> Self:
        """Build the featurizer that `to_dict` described, also under the names of properties in earlier versions."""
        return cls({_EARLIER_NAMES.get(name, name): choices for name, choices in features.items()})

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return list(self._features.items()) == list(other._features.items())

    def __hash__(self) -> int:
        return hash(tuple(self._features.items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} features: {', '.join(self._features)})"
