import json

import pytest

from graphattn.tasks.common.errors import SettingsError
from graphattn.tasks.molecule.config import ModelConfig, TrainingConfig, from_json, to_json


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(depth=5, descriptors=False),
        TrainingConfig(lr=0.25, device="cpu"),
        TrainingConfig(members=("network", "svr")),
    ],
)
def test_round_trip(config):
    assert from_json(type(config), json.loads(json.dumps(to_json(config)))) == config


def test_unknown_settings():
    with pytest.raises(SettingsError, match="ModelConfig knows no setting width"):
        from_json(ModelConfig, {"width": 3})


@pytest.mark.parametrize(
    ("kind", "setting", "message"),
    [
        (ModelConfig, {"embed_dim": 10, "num_heads": 3}, "embed_dim must be a multiple of num_heads=3, got 10"),
        (ModelConfig, {"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
        (TrainingConfig, {"epochs": 0}, "epochs must be at least 1, got 0"),
        (TrainingConfig, {"lr": 0.0}, "lr must be above 0"),
        (TrainingConfig, {"device": "tpu"}, "device must be one of auto, cpu, cuda, mps, got 'tpu'"),
        (TrainingConfig, {"precision": "8"}, "precision must be one of 32, bf16, 16, got '8'"),
        (TrainingConfig, {"members": ("network", "x")}, "members must be different ones of network, svr, ridge"),
        (TrainingConfig, {"seed": -1}, "seed must be 0 or more"),
    ],
)
def test_settings_out_of_range(kind, setting, message):
    with pytest.raises(SettingsError, match=message):
        kind(**setting)
