"""Whole trainings: what a model keeps to judge its predictions by, on the way to a file and back."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy

from graphattn.chem import Split
from graphattn.datasets import load
from graphattn.tasks.molecule import ModelDirectoryError, MoleculePredictor
from graphattn.tasks.molecule.report import write_report
from graphattn.tasks.molecule.stack.combine import spread_of
from graphattn.tasks.molecule.trust import Trust
from graphattn.tasks.molecule.trust_text import trust_lines

COLUMNS = ["logS_predicted", "logS_low", "logS_high", "logS_std", "logS_nearest"]
ROW_COLUMNS = ["nearest_similarity", "nearest_smiles", "remark"]


@pytest.fixture(scope="module")
def table():
    """103 molecules of ESOL and one of them once more."""
    data = load("esol")
    frame = data.frame.iloc[::11]
    log_s = frame[data.target_columns[0]].to_numpy()
    table = pd.DataFrame({"smiles": frame["smiles"].str.strip().to_numpy(), "logS": log_s})
    table["soluble"] = (table["logS"] > -2.3).astype(int)
    return pd.concat([table, table.iloc[:1].assign(logS=1.0)], ignore_index=True)


SPLIT = Split(np.arange(0, 50), np.arange(50, 80), np.arange(80, 104))


@pytest.fixture(scope="module")
def predictor(table, model_config, training_config):
    return MoleculePredictor(model_config, training_config).fit(table, target_columns="logS", split=SPLIT)


def test_columns_and_what_they_hold(predictor, table):
    frame = predictor.predict([*table["smiles"][80:90], "[He]", "C("])
    assert list(frame.columns) == ["smiles", *COLUMNS, *ROW_COLUMNS, "reason"]
    good = frame[:-1]
    assert (good["logS_low"] < good["logS_predicted"]).all()
    assert (good["logS_predicted"] < good["logS_high"]).all()
    assert good["nearest_smiles"].isin(table["smiles"][:80]).all()
    values = dict(zip(table["smiles"], table["logS"], strict=True)) | {table["smiles"][0]: table["logS"][0]}
    assert good["logS_nearest"].tolist() == [values[smiles] for smiles in good["nearest_smiles"]]
    assert "no training molecule holds He" in frame["remark"].iloc[-2]
    assert frame.iloc[-1][["logS_low", "logS_high", "logS_nearest", "nearest_similarity"]].isna().all()
    assert (frame["remark"].iloc[-1], frame["nearest_smiles"].iloc[-1]) == ("", "")
    assert list(predictor.predict([]).columns) == list(frame.columns)


def test_the_outcome_says_the_same(predictor, table):
    test, outcome = predictor.fitted.split.test, predictor.outcome.prediction
    frame = predictor.predict(table["smiles"][test])
    np.testing.assert_allclose(frame["logS_low"], outcome.low[test, 0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(frame["logS_high"], outcome.high[test, 0], rtol=1e-4, atol=1e-5)
    assert frame["remark"].tolist() == [outcome.nearest.remarks[row] for row in test]
    found = predictor.fitted.metrics["intervals"]["logS"]
    held = frame["logS_low"].to_numpy() <= table["logS"][test].to_numpy()
    held &= table["logS"][test].to_numpy() <= frame["logS_high"].to_numpy()
    assert (found["values"], found["held"]) == (24, pytest.approx(held.mean()))
    assert trust_lines(predictor.fitted)[0].startswith(
        f"90% intervals hold {held.mean():.0%} of 24 test values, in the"
    )


def test_saved_and_loaded_the_intervals_are_the_same(predictor, tmp_path):
    predictor.save(tmp_path)
    loaded = MoleculePredictor.load(tmp_path)
    smiles = ["CCO", "[He]", "C("]
    pd.testing.assert_frame_equal(loaded.predict(smiles), predictor.predict(smiles))
    assert json.loads((tmp_path / "metrics.json").read_text())["intervals"]["logS"]["level"] == 0.9


def test_a_missing_or_damaged_file_is_a_sentence(predictor, tmp_path):
    predictor.save(tmp_path)
    path = tmp_path / "trust.safetensors"
    whole = path.read_bytes()
    with safetensors.safe_open(path, "np") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no dict
    wrong = {**tensors, "substructures": tensors["substructures"] + np.int16(2048)}
    fewer = {**tensors, "measured": tensors["measured"][1:]}
    for content in (
        whole[:-9],
        b"",
        safetensors.numpy.save(tensors),
        safetensors.numpy.save(wrong, metadata),
        safetensors.numpy.save(fewer, metadata),
        safetensors.numpy.save(tensors, {"trust": "[]"}),
    ):
        path.write_bytes(content)
        with pytest.raises(ModelDirectoryError, match=r"trust\.safetensors is damaged"):
            Trust.load(tmp_path)
    path.unlink()
    with pytest.raises(ModelDirectoryError, match=r"trust\.safetensors is missing"):
        MoleculePredictor.load(tmp_path)


def test_the_report_shows_them(predictor, tmp_path):
    write_report(tmp_path / "r.html", predictor)
    page = (tmp_path / "r.html").read_text("utf-8")
    for part in ("90% intervals hold", "thin lines are 90% intervals", "<dt>90% interval</dt>", "nearest in training"):
        assert part in page
    assert "Copies with different values" in page
    assert " ± " not in page


def test_classes_are_calibrated(table, model_config, training_config, tmp_path):
    predictor = MoleculePredictor(model_config, training_config).fit(table, target_columns="soluble", split=SPLIT)
    temperature = predictor.fitted.metrics["calibration"]["soluble"]["temperature"]
    assert temperature == predictor.fitted.trust.temperatures[0] != 1
    frame = predictor.predict(["CCO"])
    assert list(frame.columns) == [
        "smiles",
        *(c.replace("logS", "soluble") for c in ("logS_probability", "logS_std", "logS_nearest")),
        *ROW_COLUMNS,
        "reason",
    ]
    raw = MoleculePredictor(predictor.model, predictor.training)
    raw.fitted = replace(predictor.fitted, trust=None)
    (before,), (after,) = raw.predict("CCO")["soluble_probability"], frame["soluble_probability"]
    assert np.log(before / (1 - before)) / temperature == pytest.approx(np.log(after / (1 - after)), rel=1e-5)
    assert any(line.startswith("Probabilities are calibrated") for line in trust_lines(predictor.fitted))
    write_report(tmp_path / "r.html", predictor)
    assert "reliability of the probabilities" in (tmp_path / "r.html").read_text("utf-8")


def test_too_few_molecules_to_calibrate(frame, model_config, training_config):
    """One network has a validation part of three molecules; two networks have folds, 28 in all."""
    quick = replace(training_config, epochs=1, ensemble=1)
    few = MoleculePredictor(model_config, quick).fit(frame, target_columns="logS", split="random")
    assert few.fitted.metrics["intervals"] == {}
    assert "logS_low" not in few.output_columns()
    assert few.predict("CCO")["nearest_similarity"].notna().all()
    note = "there are no 90% intervals: 3 molecules could calibrate them, and 10 are needed."
    assert note in few.fitted.data["notes"]
    two = replace(few.fitted, weights=few.fitted.weights * 2)
    assert trust_lines(two)[-1].startswith("± (std) is how far the 2 networks differ, not an error bar")


def test_copies_and_salts_from_the_command_down(table, model_config, training_config):
    quick = replace(training_config, epochs=1, ensemble=1)
    salty = table.assign(smiles=[f"{smiles}.[Na+].[Cl-]" for smiles in table["smiles"]])
    predictor = MoleculePredictor(replace(model_config, salts="largest"), quick)
    predictor.fit(salty, target_columns="logS", duplicates="mean", split="random")
    assert len(predictor.outcome.rows) == len(table) - 1
    notes = " ".join(predictor.fitted.data["notes"])
    assert "--duplicates mean left 1 row out." in notes
    assert "103 molecules of several parts (salts, mixtures): its largest part is seen" in notes
    plain = predictor.predict([table["smiles"][3], salty["smiles"][3]])
    assert plain["logS_predicted"][0] == plain["logS_predicted"][1]
    assert plain["nearest_similarity"].tolist() == [1.0, 1.0]


def test_members_that_differ():
    members = {"a": np.array([[1.0], [2.0]]), "b": np.array([[3.0], [2.0]])}
    equal = {name: np.array([0.5]) for name in members}
    assert spread_of(equal, members).tolist() == [[1.0], [0.0]]
    alone = {"a": np.array([1.0]), "b": np.array([0.0])}  # without weight it does not count
    assert spread_of(alone, members).tolist() == [[0.0], [0.0]]
