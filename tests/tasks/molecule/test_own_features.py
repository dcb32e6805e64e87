from dataclasses import replace

import numpy as np
import pytest

from graphattn.tasks.common.table import parse_table
from graphattn.tasks.molecule import InputError, MoleculePredictor, SettingsError, TableError
from graphattn.tasks.molecule.own_features import column_values, function_values


def test_columns_of_numbers():
    table = parse_table(b"a;b\n1,5;x\n;2\n3,25;4\n", "t.csv")
    values, notes = column_values(table, ["b", "a"], [0, 1, 2])
    np.testing.assert_array_equal(values, [[np.nan, 1.5], [2, np.nan], [4, 3.25]])
    assert len(notes) == 1
    assert "1 value such as 'x'" in notes[0]
    with pytest.raises(TableError, match="no column 'c'"):
        column_values(table, ["c"], [0])


def test_a_function_must_give_a_matrix():
    assert function_values(lambda smiles: [[len(text), np.inf] for text in smiles], ["CC"]).tolist()[0][0] == 2
    assert function_values(lambda smiles: 1 / 0, [], 3).shape == (0, 3)
    for wrong in (lambda smiles: [1.0] * len(smiles), lambda smiles: [["a"]], lambda smiles: np.zeros((1, 5))):
        with pytest.raises(InputError, match="function of features"):
            function_values(wrong, ["C", "CC"], 2)


def length(smiles):
    return [[len(text)] for text in smiles]


def test_a_model_with_features_of_ones_own(frame, model_config, training_config, tmp_path):
    table = frame.assign(pH=np.linspace(2, 9, len(frame)))
    one = replace(training_config, ensemble=1)
    predictor = MoleculePredictor(model_config, one, length).fit(
        table, target_columns="logS", descriptor_columns=["pH"], split="random", directory=tmp_path / "run"
    )
    assert predictor.fitted.featurizer.width == 2
    values = predictor.predict(table)["logS_predicted"].to_numpy()
    np.testing.assert_allclose(values, predictor.outcome.prediction.mean[:, 0], rtol=1e-5)
    twice = table.iloc[[3, 3]].assign(pH=[0.0, 14.0])
    low, high = predictor.predict(twice)["logS_predicted"]
    assert low != high
    with pytest.raises(InputError, match="learned from the columns smiles, pH"):
        predictor.predict(["CCO"])
    with pytest.raises(TableError, match="no column 'pH'"):
        predictor.predict(frame)
    again = MoleculePredictor.load(tmp_path / "run", length)
    np.testing.assert_array_equal(again.predict(twice)["logS_predicted"], [low, high])
    with pytest.raises(InputError, match="a function of features, which is not kept"):
        MoleculePredictor.load(tmp_path / "run").predict(table)


def test_solutes_and_solvents(frame, model_config, training_config, tmp_path):
    table = frame.assign(solvent=["O", "CCO"] * 15 + ["O"])
    predictor = MoleculePredictor(replace(model_config, descriptors=True), training_config).fit(
        table, smiles_column=["smiles", "solvent"], target_columns="logS", split="random"
    )
    assert predictor.fitted.smiles_column == "smiles + solvent"
    values = predictor.predict(table)["logS_predicted"].to_numpy()
    np.testing.assert_allclose(values, predictor.outcome.prediction.mean[:, 0], rtol=1e-5, atol=1e-6)
    water, ethanol = predictor.predict(["CCCC + O", "CCCC + CCO"])["logS_predicted"]
    assert water != ethanol
    assert "2 SMILES with ' + ' between them are expected, got 1" in predictor.predict("CCCC")["reason"].item()
    predictor.save(tmp_path)
    np.testing.assert_allclose(MoleculePredictor.load(tmp_path).predict(["CCCC + O"])["logS_predicted"], [water])


def test_files_and_times_split(frame, model_config, training_config):
    quick = MoleculePredictor(model_config, replace(training_config, epochs=1))
    first, second = frame.iloc[:24], frame.iloc[24:]
    quick.fit(first, test=second, target_columns="logS")
    assert quick.fitted.data["parts"]["test"] == 7
    assert quick.fitted.data["parts"]["valid"] > 0
    quick.fit(frame.assign(year=range(1990, 2021)), time_column="year", target_columns="logS")
    assert quick.fitted.data["split"] == "time"
    assert quick.fitted.split.test.tolist() == [28, 29, 30]
    with pytest.raises(SettingsError, match="--valid needs --test"):
        quick.fit(first, valid=second, target_columns="logS")
    with pytest.raises(SettingsError, match="--split and --time-column exclude each other"):
        quick.fit(frame, split="random", time_column="id", target_columns="logS")
