"""Model directories: those of the version before must load and predict what they predicted then."""

import json
from pathlib import Path

import numpy as np
import pytest

from graphattn.tasks.molecule import MoleculePredictor, saved

MODELS = Path(__file__).parent / "models"


@pytest.mark.parametrize("name", ["regression", "classification"])
def test_a_model_of_the_version_before_predicts_the_same(name):
    """`models/` was written by commit 513036e, with what it predicted for two molecules and for one unreadable SMILES.

    Two machines add up in another order, so the numbers agree to float32, not to the last bit.
    """
    predictor = MoleculePredictor.load(MODELS / name)
    expected = json.loads((MODELS / name / "predictions.json").read_text())
    frame = predictor.predict(expected.pop("smiles"))
    assert list(frame.columns) == ["smiles", *expected]
    assert [bool(reason) for reason in frame["reason"]] == [bool(reason) for reason in expected.pop("reason")]
    for column, values in expected.items():
        values = [np.nan if value is None else value for value in values]
        np.testing.assert_allclose(frame[column], values, rtol=1e-4, atol=1e-5)


def test_what_is_read_is_what_was_written(fitted, tmp_path):
    saved.write_networks(tmp_path, fitted.fitted)
    saved.write_description(tmp_path, fitted.model, fitted.training, fitted.fitted)
    model, training, read = saved.read(tmp_path)
    assert (model, training) == (fitted.model, fitted.training)
    assert read.target_columns == ["logS"]
    assert read.featurizer == fitted.fitted.featurizer
    assert read.histories == fitted.fitted.histories
