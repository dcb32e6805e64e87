"""A model is read back and says the same."""

import numpy as np
import pytest
from small_networks import blocks

from graphattn.tasks.common.errors import InputError, ModelDirectoryError
from graphattn.tasks.network import NodeClassifier, NodeRegressor
from graphattn.tasks.network.config import NodeModelConfig


def test_a_model_is_read_back_and_says_the_same(tmp_path):
    fitted = NodeClassifier().fit(blocks(), config=NodeModelConfig(epochs=10, hidden_dim=16))
    fitted.save(tmp_path)
    again = NodeClassifier.load(tmp_path)
    assert again.evaluate() == fitted.evaluate()
    assert again.predict().equals(fitted.predict())
    other = blocks(60, seed=3)
    np.testing.assert_array_equal(again.predict(other), fitted.predict(other))
    (tmp_path / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(ModelDirectoryError, match="damaged"):
        NodeClassifier.load(tmp_path)
    with pytest.raises(ModelDirectoryError, match="holds no"):
        NodeClassifier.load(tmp_path / "nowhere")
    fitted.save(tmp_path)
    with pytest.raises(InputError, match="NodeClassifier"):
        NodeRegressor.load(tmp_path)
