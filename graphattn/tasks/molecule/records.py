"""Records that the predictor, its training and its report share: the result of a training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphattn.chem import Split
from graphattn.tasks.common.versions import library_versions
from graphattn.tasks.molecule.featurizer import Featurizer
from graphattn.tasks.molecule.prediction import Prediction
from graphattn.tasks.molecule.scaling import DescriptorScaler, TargetScaler
from graphattn.tasks.molecule.stack.out_of_fold import OutOfFold

if TYPE_CHECKING:
    from torch import Tensor

    from graphattn.tasks.molecule.rows import MoleculeRows
    from graphattn.tasks.molecule.stack.stack import Stack
    from graphattn.tasks.molecule.trust import Trust


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
    members: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    """what each member of the stack says of every molecule, `[n, T]`"""
