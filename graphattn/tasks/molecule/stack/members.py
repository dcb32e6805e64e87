"""The quick members of a stack: what each must do, and which there are."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from graphattn.tasks.molecule.stack.inputs import Inputs
from graphattn.tasks.molecule.stack.linear import Linear
from graphattn.tasks.molecule.stack.support_vectors import SupportVectors
from graphattn.tasks.molecule.stack.trees import Boosted, Forest

Array = NDArray[np.float64]


class Member(Protocol):
    """A model of each target that is fitted in seconds, kept as numbers and read without running anything."""

    @classmethod
    def fit(cls, inputs: Inputs, targets: Array, *, task: str, seed: int) -> Self:
        """Fit a model of each column of `targets [n, T]`, NaN where a value is missing."""

    def predict(self, inputs: Inputs) -> Array:
        """Return `[n, T]` values, or probabilities of class 1."""

    def write(self, directory: Path, name: str) -> None:
        """Write files whose names begin with `name`."""

    @classmethod
    def read(cls, directory: Path, name: str, task: str, targets: int) -> Self:
        """Read them back."""


QUICK: dict[str, type[Member]] = {
    "svr": SupportVectors,
    "ridge": Linear,
    "lightgbm": Boosted,
    "forest": Forest,
}
"""by their names in `config.MEMBERS`"""
