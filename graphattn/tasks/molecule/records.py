"""Records that the predictor, its training and its report share: predictions, and the result of a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphattn.chem import Split
from graphattn.tasks.common.versions import library_versions
from graphattn.tasks.molecule.featurizer import Featurizer
from graphattn.tasks.molecule.neighbors import Nearest
from graphattn.tasks.molecule.scaling import DescriptorScaler, TargetScaler
from graphattn.tasks.molecule.stack.out_of_fold import OutOfFold

if TYPE_CHECKING:
    from torch import Tensor

    from graphattn.tasks.molecule.rows import MoleculeRows
    from graphattn.tasks.molecule.stack.stack import Stack
    from graphattn.tasks.molecule.trust import Trust


@dataclass(frozen=True)
class Prediction:
    """Predictions of `n` molecules, in their order.

    Attributes:
        mean: `[n, T]` the values, or the probabilities of class 1; NaN for a SMILES that cannot be read.
        std: `[n, T]` how far the networks differ (sample standard deviation); NaN for one network.
        reasons: `[n]` why there is no prediction; "" where there is one.
        low, high: `[n, T]` ends of the 90 % intervals; NaN where there is none, None for a model that knows none.
        nearest: the nearest training molecules; None for a model that did not keep them.
        spread: `[n, T]` how far the members of the stack differ; None without a stack.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    reasons: list[str]
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None
    nearest: Nearest | None = None
    spread: NDArray[np.float64] | None = None

    def at(self, rows: NDArray[np.int64]) -> Prediction:
        """Return the predictions of the molecules at `rows`."""
        low, high, spread = (None if each is None else each[rows] for each in (self.low, self.high, self.spread))
        reasons = [self.reasons[row] for row in rows]
        nearest = None if self.nearest is None else self.nearest.at(rows)
        return Prediction(self.mean[rows], self.std[rows], reasons, low, high, nearest, spread)

    @classmethod
    def joined(cls, parts: Sequence[Prediction]) -> Prediction:
        """Return predictions of one model, one after another."""
        nearest = [part.nearest for part in parts if part.nearest is not None]
        return cls(
            np.concatenate([part.mean for part in parts]),
            np.concatenate([part.std for part in parts]),
            [reason for part in parts for reason in part.reasons],
            _joined([part.low for part in parts]),
            _joined([part.high for part in parts]),
            Nearest.joined(nearest) if nearest else None,
            _joined([part.spread for part in parts]),
        )


def _joined(parts: Sequence[NDArray[np.float64] | None]) -> NDArray[np.float64] | None:
    there = [part for part in parts if part is not None]
    return np.concatenate(there) if there else None


@dataclass
class Fitted:
    """The result of a training: all that a predictor needs, and what describes it.

    Attributes:
        task: "regression" or "classification".
        smiles_column, target_columns: of the table.
        classes: for each target of a classification the labels of class 0 and class 1.
        featurizer, descriptor_scaler, target_scaler: from a SMILES to the networks' input, and back.
        weights: the state dict of each network.
        histories: the learning curve of each network.
        split: rows of the usable molecules that trained, validated, tested.
        metrics: `{"test": …, "valid": …, "out_of_fold": …, "members": …}` and, from the command line, `"baselines"`.
        data: facts about the table and the split.
        stack: the members beside the networks, and the weights; None for models of the first format, the networks'
            mean alone.
        versions: of the libraries that trained.
        trust: intervals, neighbors and calibration; None in models of before there were any.
    """

    task: str
    smiles_column: str
    target_columns: list[str]
    classes: list[tuple[str, str]]
    featurizer: Featurizer
    descriptor_scaler: DescriptorScaler | None
    target_scaler: TargetScaler
    weights: list[dict[str, Tensor]]
    histories: list[list[dict[str, float]]]
    split: Split
    metrics: dict[str, Any]
    data: dict[str, Any]
    stack: Stack | None = None
    versions: dict[str, str] = field(default_factory=library_versions)
    trust: Trust | None = None


@dataclass(frozen=True)
class Outcome:
    """The molecules a predictor was fitted to, and its prediction of each; not kept in the directory."""

    rows: MoleculeRows
    prediction: Prediction
    descriptors: NDArray[np.float64]
    """`[n, d]` raw RDKit descriptors; `d = 0` where nobody needs them"""
    out_of_fold: OutOfFold | None = None
    """of the molecules that trained or validated; None where nothing was left out"""
