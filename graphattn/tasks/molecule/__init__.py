"""Predict properties of molecules: from a table of SMILES and values to a model that others can use."""

import importlib
from typing import TYPE_CHECKING, Any

from graphattn.tasks.common.errors import InputError, ModelDirectoryError, SettingsError, TableError
from graphattn.tasks.molecule.config import ModelConfig, TrainingConfig

if TYPE_CHECKING:
    from graphattn.tasks.molecule.estimator import MoleculeClassifier, MoleculeRegressor
    from graphattn.tasks.molecule.predictor import MoleculePredictor, Prediction

__all__ = [
    "InputError",
    "ModelConfig",
    "ModelDirectoryError",
    "MoleculeClassifier",
    "MoleculePredictor",
    "MoleculeRegressor",
    "Prediction",
    "SettingsError",
    "TableError",
    "TrainingConfig",
]


_MODULES = {
    "MoleculeClassifier": "estimator",
    "MoleculePredictor": "predictor",
    "MoleculeRegressor": "estimator",
    "Prediction": "predictor",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:  # rdkit loads when they are first touched
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
