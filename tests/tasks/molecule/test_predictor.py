import json
import math
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from graphattn.chem import Split
from graphattn.tasks.molecule import (
    InputError,
    ModelDirectoryError,
    MoleculePredictor,
    SettingsError,
    TableError,
)
from graphattn.tasks.molecule import predictor as module

ENDS = ["logS_low", "logS_high"]
NEAREST = ["logS_nearest", "nearest_similarity", "nearest_smiles", "remark"]
SMILES = ["CCO", "nonsense", "", "c1ccccc1", None]


def predicted(predictor, target="logS"):
    return predictor.predict(["CCO", "c1ccccc1"])[f"{target}_predicted"].to_numpy()


def test_predictions_keep_rows_order_and_index(fitted):
    frame = fitted.predict(pd.Series(SMILES, index=[5, 3, 9, 1, 0]))
    assert list(frame.columns) == ["smiles", "logS_predicted", *ENDS, "logS_std", *NEAREST, "reason"]
    assert frame.index.tolist() == [5, 3, 9, 1, 0]
    assert frame["logS_predicted"].isna().tolist() == [False, True, True, False, True]
    assert frame["logS_std"].notna().tolist() == frame["logS_predicted"].notna().tolist()
    assert [bool(reason) for reason in frame["reason"]] == [False, True, True, False, True]
    assert "not valid SMILES" in frame["reason"].iloc[1]


def test_a_data_frame_is_not_taken_for_its_column_names(fitted, frame):
    with pytest.raises(TypeError, match="give the column that holds them"):
        fitted.predict(frame)


def test_half_precision_on_a_cpu(frame, model_config, training_config):
    config = replace(training_config, precision="bf16", ensemble=1)
    predictor = MoleculePredictor(model_config, config).fit(frame, target_columns="logS", split="random")
    assert np.isfinite(predicted(predictor)).all()


def test_one_smiles_and_none(fitted):
    assert len(fitted.predict("CCO")) == 1
    assert fitted.predict([]).empty


def test_std_is_the_spread_of_the_networks(fitted):
    both = fitted.predict_arrays(["CCO"])
    single = []
    for number in range(2):
        kind = ("atoms", "bonds")[number]  # in turns
        alone = MoleculePredictor(replace(fitted.model, attention=kind), fitted.training)
        alone.fitted = replace(fitted.fitted, weights=[fitted.fitted.weights[number]])
        single.append(alone.predict_arrays(["CCO"]).mean.item())
        assert alone.output_columns() == ["logS_predicted", *ENDS, *NEAREST]
    assert both.mean.item() == pytest.approx(np.mean(single))
    assert both.std.item() == pytest.approx(np.std(single, ddof=1))


def test_predictions_do_not_depend_on_company_or_chunks(fitted, frame, monkeypatch):
    smiles = frame["smiles"].tolist()
    whole = fitted.predict_arrays(smiles).mean
    monkeypatch.setattr(module, "_CHUNK", 7)
    np.testing.assert_allclose(fitted.predict_arrays(smiles).mean, whole, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(fitted.outcome.prediction.mean, whole, rtol=1e-5, atol=1e-6)


def test_the_same_seed_gives_the_same_predictions(fitted, frame):
    again = MoleculePredictor(fitted.model, fitted.training).fit(frame, target_columns="logS", split="random")
    np.testing.assert_array_equal(predicted(again), predicted(fitted))


def test_save_and_load_without_pickle(fitted, tmp_path, monkeypatch):
    fitted.save(tmp_path)
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".json", ".safetensors"}

    def refuse(*_, **__):
        raise AssertionError("unpickled")

    for place, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(place, name, refuse)
    loaded = MoleculePredictor.load(tmp_path)
    np.testing.assert_array_equal(predicted(loaded), predicted(fitted))
    assert loaded.fitted.split.test.tolist() == fitted.fitted.split.test.tolist()
    assert loaded.fitted.histories == fitted.fitted.histories
    assert loaded.fitted.versions["torch"]
    assert loaded.training == fitted.training
    assert repr(loaded) == "MoleculePredictor(regression of logS, 2 networks)"


def test_metrics_are_those_of_the_predictions(fitted):
    test = fitted.fitted.split.test
    error = fitted.outcome.prediction.mean[test, 0] - fitted.outcome.rows.targets[test, 0]
    assert fitted.fitted.metrics["test"]["rmse"] == pytest.approx(math.sqrt((error**2).mean()))
    assert set(fitted.fitted.metrics["valid"]) == {"rmse", "mae", "r2"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model: model.pop("target_scaler"), "no 'target_scaler'"),
        (lambda model: model["model"].update(embed_dim=8), "size mismatch|Error"),
        (lambda model: model["model"].update(width=8), "knows no setting width"),
        (lambda model: model.update(networks="two"), "as an integer"),
    ],
)
def test_a_damaged_model_file(fitted, tmp_path, change, message):
    fitted.save(tmp_path)
    path = tmp_path / "model.json"
    model = json.loads(path.read_text())
    change(model)
    path.write_text(json.dumps(model))
    with pytest.raises(ModelDirectoryError, match=rf"model\.json is damaged \(.*({message})"):
        MoleculePredictor.load(tmp_path)


def test_an_unfitted_predictor_says_so():
    with pytest.raises(InputError, match="not fitted"):
        MoleculePredictor().predict("C")


def test_fit_is_callable_on_the_class(frame, monkeypatch):
    seen = {}

    def prepare(data, model, **settings):
        seen.update(settings, data=data)
        raise SettingsError("enough")

    monkeypatch.setattr("graphattn.tasks.molecule.fitting.prepare", prepare)
    with pytest.raises(SettingsError, match="enough"):
        MoleculePredictor.fit(frame, target_columns="logS")
    assert seen["target_columns"] == "logS"
    assert seen["data"] is frame


def test_classification_with_descriptors(frame, model_config, training_config):
    predictor = MoleculePredictor(replace(model_config, descriptors=True), replace(training_config, ensemble=1))
    predictor.fit(frame, target_columns="soluble", split="stratified")
    assert predictor.fitted.task == "classification"
    assert set(predictor.fitted.metrics["test"]) == {"roc_auc", "average_precision", "accuracy"}
    values = predictor.predict(["CCO", "x"])
    assert list(values.columns) == ["smiles", "soluble_probability", "soluble_nearest", *NEAREST[1:], "reason"]
    assert 0 < values["soluble_probability"].iloc[0] < 1


def test_several_targets_with_gaps_from_a_file(frame, tmp_path, model_config, training_config):
    table = frame.assign(twice=2 * frame["logS"])
    table.loc[table.index[::3], "twice"] = np.nan
    table.to_csv(tmp_path / "t.csv", index=False)
    predictor = MoleculePredictor(model_config, replace(training_config, ensemble=1)).fit(
        tmp_path / "t.csv", target_columns=["logS", "twice"], split="random"
    )
    assert set(predictor.fitted.metrics["test"]["per_target"]) == {"logS", "twice"}
    columns = ["logS_predicted", "logS_nearest", "twice_predicted", "twice_nearest", *NEAREST[1:]]
    assert list(predictor.predict("C").columns) == ["smiles", *columns, "reason"]
    assert len(predictor.outcome.rows) == len(table)


def test_a_split_of_ones_own(frame, model_config, training_config):
    one_epoch = replace(training_config, epochs=1, ensemble=1)
    predictor = MoleculePredictor(model_config, one_epoch)
    split = Split(np.arange(0, 20), np.arange(20, 25), np.arange(25, 31))
    predictor.fit(frame, target_columns="logS", split=split)
    assert predictor.fitted.data["split"] == "given"
    assert predictor.fitted.data["parts"] == {"train": 20, "valid": 5, "test": 6}
    with pytest.raises(SettingsError, match="each of the 31 usable rows at most once"):
        predictor.fit(frame, target_columns="logS", split=Split(np.arange(30), np.arange(5), np.arange(3)))
    with pytest.raises(SettingsError, match="exclude each other"):
        predictor.fit(frame, target_columns="logS", split="random", split_column="id")


def test_targets_are_guessed_only_where_there_is_one(frame):
    with pytest.raises(TableError, match="with --target; columns of numbers: 'logS', 'soluble'"):
        MoleculePredictor().fit(frame)


def test_resuming(frame, tmp_path, model_config, training_config):
    def fit(**settings):
        config = replace(training_config, **settings.pop("config", {}))
        return MoleculePredictor(model_config, config).fit(
            frame, target_columns="logS", split="random", directory=tmp_path, **settings
        )

    first = fit()
    assert not (tmp_path / "checkpoints").exists()
    with pytest.raises(ModelDirectoryError, match="holds a model already"):
        fit()
    # As if killed while the second network was about to start: the first is kept, the second trained.
    (tmp_path / "model.json").unlink()
    (tmp_path / "network-2.safetensors").unlink()
    stamp = (tmp_path / "network-1.safetensors").stat().st_mtime_ns
    resumed = fit(resume=True)
    np.testing.assert_array_equal(predicted(resumed), predicted(first))
    np.testing.assert_array_equal(predicted(MoleculePredictor.load(tmp_path)), predicted(first))
    assert stamp == (tmp_path / "network-1.safetensors").stat().st_mtime_ns
    with pytest.raises(SettingsError, match="cannot be resumed: epochs was 3 and is now 4"):
        fit(resume=True, config={"epochs": 4})
    with pytest.raises(SettingsError, match="cannot be resumed: the data are not the same"):
        MoleculePredictor(model_config, training_config).fit(
            frame[::-1], target_columns="logS", split="random", directory=tmp_path, resume=True
        )
    assert fit(overwrite=True).fitted is not None


def test_fingerprints_are_what_the_heads_see(fitted, frame):
    rows = fitted.fingerprint(["CCO", "C(", frame["smiles"].iloc[7]])
    width = 2 * fitted.model.embed_dim
    assert rows.shape == (3, 2 * width) == (3, fitted.fingerprint_width)
    assert np.isnan(rows).all(axis=1).tolist() == [False, True, False]
    net = fitted.networks()[1]
    scaled = net.head(torch.from_numpy(rows[:1, width:])).item()
    expected = fitted.fitted.target_scaler.inverse(np.array([scaled]))
    alone = MoleculePredictor(replace(fitted.model, attention="bonds"), fitted.training)
    alone.fitted = replace(fitted.fitted, weights=[fitted.fitted.weights[1]])
    assert alone.predict_arrays(["CCO"]).mean.item() == pytest.approx(expected.item(), rel=1e-5)
    np.testing.assert_allclose(fitted.fingerprint("CCO"), rows[:1], rtol=1e-5, atol=1e-6)
    assert fitted.fingerprint([]).shape == (0, 2 * width)


def test_molecules_of_rdkit_are_as_good_as_smiles(fitted):
    from rdkit import Chem

    mols = [Chem.AddHs(Chem.MolFromSmiles("OCC")), Chem.MolFromSmiles("c1ccccc1")]
    np.testing.assert_allclose(
        fitted.predict_arrays(mols).mean, fitted.predict_arrays(["CCO", "c1ccccc1"]).mean, rtol=1e-6
    )
    assert fitted.predict(mols)["smiles"].tolist() == ["CCO", "c1ccccc1"]
    broken = Chem.MolFromSmiles("C(C)(C)(C)(C)C", sanitize=False)
    assert "more bonds than" in fitted.predict([broken])["reason"].item()


def distinct(count):
    """So many short SMILES."""
    letters = "CNOPS"
    for number in range(count):
        digits = np.base_repr(number + 5**6, 5)
        yield "C" + "".join(f"({letters[int(digit)]})C" if digit != "0" else "C" for digit in digits)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_molecules(fitted, monkeypatch):
    import tracemalloc

    monkeypatch.setattr(module, "_CHUNK", 64)
    fitted.predict_arrays(["C"] * 40)  # what is loaded at first use
    peaks = []
    for count in (600, 3000):
        tracemalloc.start()
        rows = sum(len(made.reasons) for made in fitted.predict_chunks(distinct(count)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert rows == count
    assert peaks[1] < 1.5 * peaks[0]


def test_copies_are_computed_once(fitted, monkeypatch):
    seen = []
    whole = MoleculePredictor._chunk

    def counted(self, answers, *rest):
        seen.append(len(answers))
        return whole(self, answers, *rest)

    monkeypatch.setattr(MoleculePredictor, "_chunk", counted)
    many = fitted.predict_arrays(["CCO", "C(", "CCO", "C", "CCO", "C("])
    assert seen == [3]
    once = fitted.predict_arrays(["CCO", "C(", "C"])
    np.testing.assert_array_equal(many.mean, once.mean[[0, 1, 0, 2, 0, 1]])
    assert many.reasons == [once.reasons[at] for at in (0, 1, 0, 2, 0, 1)]
    assert many.nearest.smiles == [once.nearest.smiles[at] for at in (0, 1, 0, 2, 0, 1)]
