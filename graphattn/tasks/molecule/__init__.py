"""Predict properties of molecules: from a table of SMILES and values to a model that others can use."""

import importlib
from typing import TYPE_CHECKING, Any

from graphattn.tasks.common.errors import InputError, ModelDirectoryError, SettingsError, TableError
from graphattn.tasks.molecule.config import ModelConfig, TrainingConfig

if TYPE_CHECKING:
    from graphattn.tasks.molecule.predictor import MoleculePredictor, Prediction

__all__ = [
    "InputError",
    "ModelConfig",
    "ModelDirectoryError",
    "MoleculePredictor",
    "Prediction",
    "SettingsError",
    "TableError",
    "TrainingConfig",
]


def __getattr__(name: str) -> Any:
    if name in ("MoleculePredictor", "Prediction"):  # rdkit loads when they are first touched
        return getattr(importlib.import_module(f"{__name__}.predictor"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
