"""A small table of real molecules, and a model small enough to be trained in a second."""

import pandas as pd
import pytest

from graphattn.datasets import load
from graphattn.tasks.molecule import ModelConfig, MoleculePredictor, TrainingConfig


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    """31 molecules of ESOL with an id, their solubility, and whether they dissolve well."""
    data = load("esol")
    rows = data.frame.iloc[::37]
    log_s = rows[data.target_columns[0]].to_numpy()
    return pd.DataFrame(
        {
            "id": [f"m{number}" for number in range(len(rows))],
            "smiles": rows["smiles"].to_numpy(),
            "logS": log_s,
            "soluble": (log_s > -3).astype(int),
        }
    )


@pytest.fixture(scope="session")
def model_config() -> ModelConfig:
    return ModelConfig(embed_dim=6, num_heads=2, depth=1, head_dim=7, descriptors=False)


@pytest.fixture(scope="session")
def training_config() -> TrainingConfig:
    return TrainingConfig(epochs=3, ensemble=2, batch_size=11, seed=5, device="cpu")


@pytest.fixture(scope="session")
def fitted(frame, model_config, training_config) -> MoleculePredictor:
    """A predictor of logS; tests must not change it."""
    return MoleculePredictor(model_config, training_config).fit(frame, target_columns="logS", split="random")
