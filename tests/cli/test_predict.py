import csv
import io
import sys

import pandas as pd
import pytest

from graphattn.cli.errors import USER_ERROR
from graphattn.tasks.molecule import MoleculePredictor


def rows_of(text):
    return list(csv.reader(io.StringIO(text)))


def test_a_file_keeps_its_rows_order_and_cells(trained, invoke, frame, tmp_path):
    result = invoke("predict", trained.run, trained.data, "--out", tmp_path / "p.csv")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "31 rows written to" in result.stderr
    assert "1 of 31 rows has no prediction;" in result.stderr
    before, after = rows_of(trained.data.read_text()), rows_of((tmp_path / "p.csv").read_text())
    assert [row[:3] for row in after] == before
    assert after[0][3:] == ["log S_predicted", "log S_std", "reason"]
    assert after[5][3:5] == ["", ""]
    assert "not valid SMILES" in after[5][5]
    good = frame.drop(index=4)
    expected = MoleculePredictor.load(trained.run).predict(good["smiles"])
    written = pd.read_csv(tmp_path / "p.csv").drop(index=4)
    assert written["log S_predicted"].to_numpy() == pytest.approx(expected["log S_predicted"].to_numpy(), rel=1e-4)
    assert written["reason"].isna().all()


def test_smiles_on_the_command_line(trained, invoke):
    result = invoke("predict", trained.run, "CCO", "F/C=C/F", "C(")
    assert result.exit_code == 0
    rows = rows_of(result.stdout)
    assert rows[0] == ["smiles", "log S_predicted", "log S_std", "reason"]
    assert [row[0] for row in rows[1:]] == ["CCO", "F/C=C/F", "C("]
    float(rows[1][1])
    assert rows[3][1] == ""


@pytest.mark.parametrize("arguments", [["-"], []])
def test_standard_input_with_and_without_a_header(trained, invoke, arguments):
    for text in ("smiles\nCCO\n\nC\n", "CCO\n\nC\n"):
        result = invoke("predict", trained.run, *arguments, input=text)
        assert result.exit_code == 0, result.stderr
        assert [row[0] for row in rows_of(result.stdout)] == ["smiles", "CCO", "", "C"]
        assert "1 of 3 rows has no prediction" in result.stderr


def test_another_smiles_column_and_names_that_are_taken(trained, invoke, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("structure_smiles,reason\nCCO,curiosity\n")
    header, row = rows_of(invoke("predict", trained.run, path).stdout)
    assert header == ["structure_smiles", "reason", "log S_predicted", "log S_std", "reason_2"]
    assert row[1] == "curiosity"
    path.write_text("a,b\nCCO,C\n")
    assert "no column 'smiles'" in invoke("predict", trained.run, path).stderr
    assert invoke("predict", trained.run, path, "--smiles-column", "a").exit_code == 0


def test_a_row_that_is_too_long_keeps_all_its_cells(trained, invoke, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("smiles,name\nCCO,spirit, wine\n")
    assert rows_of(invoke("predict", trained.run, path).stdout)[1][:2] == ["CCO", "spirit, wine"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "neither a file nor a SMILES: 'nonsense' is not valid SMILES"),
        (["new.csv"], "There is no file new.csv"),
        (["-", "C"], "one file at a time"),
    ],
)
def test_what_cannot_be_predicted(trained, invoke, arguments, message):
    result = invoke("predict", trained.run, *arguments)
    assert result.exit_code == USER_ERROR
    assert message in result.stderr
    assert result.stdout == ""


def test_a_terminal_without_input(trained, invoke, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    from graphattn.cli import predict

    monkeypatch.setattr(predict, "sys", type("Sys", (), {"stdin": Terminal(), "stdout": sys.stdout}))
    result = invoke("predict", trained.run)
    assert result.exit_code == USER_ERROR
    assert "no molecules: give a CSV file, SMILES" in result.stderr


def test_no_model(invoke, tmp_path):
    result = invoke("predict", tmp_path, "C")
    assert result.exit_code == USER_ERROR
    assert "is no model directory of graphattn" in result.stderr
