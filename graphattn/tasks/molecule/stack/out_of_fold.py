"""Predictions of molecules by models that were not trained on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OutOfFold:
    """What the stack says of each molecule of training and validation, without having learned from it.

    Each molecule lies in one fold, and members that were trained on the other folds predict it. The differences
    from the targets are therefore as large as on new molecules, which is what the weights of the stack and the
    error bars need.

    Attributes:
        mean: `[n, T]` the stack's predictions in the targets' unit, or probabilities of class 1.
        members: each member's own predictions, `[n, T]`, by its name.
        targets: `[n, T]` the measured values; NaN where one is missing.
        rows: `[n]` the positions of these molecules among all that were usable, increasing.
    """

    mean: Array
    members: dict[str, Array]
    targets: Array
    rows: NDArray[np.int64]
