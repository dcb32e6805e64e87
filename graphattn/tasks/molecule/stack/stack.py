"""The stack: its members and their weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.molecule.stack.combine import blend, stack_weights
from graphattn.tasks.molecule.stack.inputs import Inputs
from graphattn.tasks.molecule.stack.members import QUICK, Member
from graphattn.tasks.molecule.stack.out_of_fold import OutOfFold

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

NETWORK = "network"


@dataclass(frozen=True)
class Stack:
    """A weighted mean of the networks' mean and of quick members.

    Attributes:
        weights: `[T]` of each member; they sum to one.
        members: the quick ones, fitted to all molecules that trained or validated.
    """

    weights: dict[str, Array]
    members: dict[str, Member]

    def predict_each(self, network: Array, inputs: Inputs | None) -> dict[str, Array]:
        """Return the predictions `[n, T]` of each member.

        Args:
            network: `[n, T]`, the mean of the networks.
            inputs: of the quick members; None where there are none.
        """
        each = {NETWORK: network}
        if inputs is not None:
            each |= {name: member.predict(inputs) for name, member in self.members.items()}
        return each

    def write(self, directory: Path) -> None:
        """Write the quick members; the weights are for `to_json`."""
        for name, member in self.members.items():
            member.write(directory, name)

    def to_json(self) -> dict[str, Any]:
        """Return the weights of each member, one for each target."""
        return {name: weights.tolist() for name, weights in self.weights.items()}

    @classmethod
    def read(cls, directory: Path, weights: dict[str, Any], task: str, targets: int) -> Stack:
        """Read the members whose weights `to_json` gave.

        Raises:
            ModelDirectoryError: a file is missing or damaged.
        """
        return cls(
            {name: np.array(each, dtype=np.float64) for name, each in weights.items()},
            {name: QUICK[name].read(directory, name, task, targets) for name in weights if name != NETWORK},
        )


def fit_stack(
    names: Sequence[str],
    inputs: Inputs | None,
    targets: Array,
    folds: Sequence[Rows],
    rows: Rows,
    network: Array,
    *,
    task: str,
    seed: int,
) -> tuple[Stack, OutOfFold]:
    """Fit the quick members, without each fold in turn and then with all, and find the weights.

    Args:
        names: of the members, the network first.
        inputs: of all molecules; None where the network is the only member.
        targets: `[N, T]` of all molecules, NaN where a value is missing.
        folds: the molecules that are left out together.
        rows: `[m]` all molecules to learn from.
        network: `[N, T]` the networks' predictions, out of fold where there are any.
        task: "regression" or "classification".
        seed: of what the members draw at random.
    """
    held = np.sort(np.concatenate(folds))
    members: dict[str, Member] = {}
    predictions = {NETWORK: network[held]}
    for name in names:
        if name == NETWORK or inputs is None:
            continue
        kind, own = QUICK[name], np.full(targets.shape, np.nan)
        for fold in folds:
            learned = np.setdiff1d(rows, fold)
            own[fold] = kind.fit(inputs[learned], targets[learned], task=task, seed=seed).predict(inputs[fold])
        predictions[name] = own[held]
        members[name] = kind.fit(inputs[rows], targets[rows], task=task, seed=seed)
    weights = stack_weights(predictions, targets[held])
    return Stack(weights, members), OutOfFold(blend(weights, predictions), predictions, targets[held], held)
