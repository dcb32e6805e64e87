"""The stack in a predictor: trained, saved, loaded, resumed."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from graphattn.tasks.common.errors import ModelDirectoryError, SettingsError
from graphattn.tasks.molecule import MoleculePredictor
from graphattn.tasks.molecule.config import MEMBERS

SMILES = ["CCO", "c1ccccc1", "CC(=O)Oc1ccccc1C(=O)O"]


@pytest.fixture(scope="module")
def recipe(model_config, training_config):
    """A small network with descriptors, and three folds."""
    return replace(model_config, descriptors=True), replace(training_config, epochs=2, ensemble=3)


@pytest.fixture(scope="module")
def stacked(frame, recipe):
    """A predictor with all members; tests must not change it."""
    return MoleculePredictor(*recipe).fit(frame, target_columns="logS", split="scaffold")


def rmse(error):
    return float(np.sqrt((error**2).mean()))


def test_out_of_fold_predictions_are_of_all_molecules_but_the_test(stacked):
    found, split = stacked.outcome.out_of_fold, stacked.fitted.split
    assert found.rows.tolist() == sorted([*split.train, *split.valid])
    np.testing.assert_array_equal(found.targets, stacked.outcome.rows.targets[found.rows])
    assert list(found.members) == list(MEMBERS)
    assert all(np.isfinite(each).all() for each in [found.mean, *found.members.values()])
    blended = sum(stacked.fitted.stack.weights[name] * each for name, each in found.members.items())
    np.testing.assert_allclose(found.mean, blended)


def test_metrics_name_each_member(stacked):
    metrics, test = stacked.fitted.metrics, stacked.fitted.split.test
    assert list(metrics["members"]) == list(MEMBERS)
    assert sum(member["weight"] for member in metrics["members"].values()) == pytest.approx(1)
    found = stacked.outcome.out_of_fold
    assert metrics["out_of_fold"]["rmse"] == pytest.approx(rmse(found.mean - found.targets))
    for name, member in metrics["members"].items():
        assert member["out_of_fold"]["rmse"] == pytest.approx(rmse(found.members[name] - found.targets))
        assert set(member["test"]) == {"rmse", "mae", "r2"}
    error = stacked.outcome.prediction.mean[test] - stacked.outcome.rows.targets[test]
    assert metrics["test"]["rmse"] == pytest.approx(rmse(error))


def test_saved_without_pickle_and_loaded_to_the_same(stacked, tmp_path, monkeypatch):
    stacked.save(tmp_path)
    assert {path.name for path in (tmp_path / "members").iterdir()} == {
        "svr.safetensors",
        "ridge.safetensors",
        "lightgbm-1.txt",
        "forest-1.txt",
    }
    assert json.loads((tmp_path / "model.json").read_text())["format_version"] == 2

    def refuse(*_, **__):
        raise AssertionError("unpickled")

    for place, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(place, name, refuse)
    loaded = MoleculePredictor.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict_arrays(SMILES).mean, stacked.predict_arrays(SMILES).mean)
    (tmp_path / "members" / "forest-1.txt").unlink()
    with pytest.raises(ModelDirectoryError, match=r"forest-1\.txt is missing"):
        MoleculePredictor.load(tmp_path)


def test_predicting_is_what_the_training_found(stacked, frame):
    np.testing.assert_allclose(
        stacked.predict_arrays(stacked.outcome.rows.smiles).mean, stacked.outcome.prediction.mean, rtol=1e-5, atol=1e-5
    )


def test_the_network_alone(frame, recipe):
    model, training = recipe
    predictor = MoleculePredictor(model, replace(training, members=("network",), ensemble=2))
    predictor.fit(frame, target_columns="logS", split="random")
    assert predictor.fitted.stack.members == {}
    assert predictor.fitted.stack.weights["network"].tolist() == [1.0]
    assert predictor.fitted.featurizer.fingerprint == 0
    np.testing.assert_array_equal(predictor.outcome.out_of_fold.mean, predictor.outcome.out_of_fold.members["network"])


def test_one_network_leaves_the_validation_part_out(frame, recipe):
    model, training = recipe
    predictor = MoleculePredictor(model, replace(training, ensemble=1, epochs=1, members=("network", "ridge")))
    predictor.fit(frame, target_columns="logS", split="random")
    assert predictor.outcome.out_of_fold.rows.tolist() == predictor.fitted.split.valid.tolist()
    assert list(predictor.fitted.stack.weights) == ["network", "ridge"]


def test_several_classes_with_gaps(frame, recipe, tmp_path):
    model, training = recipe
    table = frame.assign(heavy=(frame["smiles"].str.len() > 15).astype(float))
    table.loc[table.index[::4], "heavy"] = np.nan
    predictor = MoleculePredictor(model, replace(training, epochs=1, ensemble=2))
    predictor.fit(table, target_columns=["soluble", "heavy"], split="random", task="classification")
    weights = {name: found["weight"] for name, found in predictor.fitted.metrics["members"].items()}
    for target in ("soluble", "heavy"):
        assert sum(weight[target] for weight in weights.values()) == pytest.approx(1)
    found = predictor.outcome.prediction.mean
    assert ((found >= 0) & (found <= 1)).all()
    predictor.save(tmp_path)
    again = MoleculePredictor.load(tmp_path).predict_arrays(SMILES).mean
    np.testing.assert_array_equal(again, predictor.predict_arrays(SMILES).mean)


def test_resuming_gives_the_same_stack(frame, recipe, tmp_path):
    def fit(**settings):
        return MoleculePredictor(*recipe).fit(
            frame, target_columns="logS", split="random", directory=tmp_path, **settings
        )

    first = fit().predict_arrays(SMILES).mean
    # As if killed while the third network was about to start.
    (tmp_path / "model.json").unlink()
    (tmp_path / "network-3.safetensors").unlink()
    for path in (tmp_path / "members").iterdir():
        path.unlink()
    np.testing.assert_array_equal(fit(resume=True).predict_arrays(SMILES).mean, first)
    np.testing.assert_array_equal(MoleculePredictor.load(tmp_path).predict_arrays(SMILES).mean, first)


def test_members_that_cannot_be(frame, model_config, training_config):
    with pytest.raises(SettingsError, match="members must be different ones of network, svr"):
        replace(training_config, members=("network", "oracle"))
    with pytest.raises(SettingsError, match="network among them"):
        replace(training_config, members=("svr",))
    with pytest.raises(SettingsError, match="members svr, forest learn from descriptors"):
        MoleculePredictor(model_config, replace(training_config, members=("network", "svr", "forest"))).fit(frame)
