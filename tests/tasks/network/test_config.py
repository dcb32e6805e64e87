"""Recipes."""

import pytest

from graphattn.tasks.common.errors import SettingsError
from graphattn.tasks.network.config import NodeModelConfig, preset


def test_recipes_are_read_back_and_checked():
    short = NodeModelConfig(epochs=30, hidden_dim=16)
    assert preset("cora").dropout == 0.6
    assert NodeModelConfig.from_json(short.to_json()) == short
    with pytest.raises(SettingsError, match="colour"):
        NodeModelConfig.from_json({"colour": 3})
    with pytest.raises(SettingsError, match="hidden_dim"):
        NodeModelConfig(hidden_dim=6)
