import csv
import gzip
import io
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from graphattn.cli.errors import USER_ERROR
from graphattn.tasks.molecule import MoleculePredictor

ENDS = ["log S_low", "log S_high"]
NEAREST = ["log S_nearest", "nearest_similarity", "nearest_smiles", "remark"]
ROOT = Path(__file__).parents[2]


def rows_of(text):
    return list(csv.reader(io.StringIO(text)))


def test_a_file_keeps_its_rows_order_and_cells(trained, invoke, frame, tmp_path):
    result = invoke("predict", trained.run, trained.data, "--out", tmp_path / "p.csv")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "31 rows written to" in result.stderr
    assert f"1 of 31 rows has no prediction, see {tmp_path / 'p_rejects.csv'};" in result.stderr
    before, after = rows_of(trained.data.read_text()), rows_of((tmp_path / "p.csv").read_text())
    assert [row[:3] for row in after] == before
    assert after[0][3:] == ["log S_predicted", *ENDS, "log S_std", *NEAREST, "reason"]
    assert after[5][3:5] == ["", ""]
    assert "not valid SMILES" in after[5][-1]
    good = frame.drop(index=4)
    expected = MoleculePredictor.load(trained.run).predict(good["smiles"])
    written = pd.read_csv(tmp_path / "p.csv").drop(index=4)
    assert written["log S_predicted"].to_numpy() == pytest.approx(expected["log S_predicted"].to_numpy(), rel=1e-4)
    assert written["reason"].isna().all()


def test_smiles_on_the_command_line(trained, invoke):
    result = invoke("predict", trained.run, "CCO", "F/C=C/F", "C(")
    assert result.exit_code == 0
    rows = rows_of(result.stdout)
    assert rows[0] == ["smiles", "log S_predicted", *ENDS, "log S_std", *NEAREST, "reason"]
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
    assert header == ["structure_smiles", "reason", "log S_predicted", *ENDS, "log S_std", *NEAREST, "reason_2"]
    assert row[1] == "curiosity"
    path.write_text("a,b\nCCO,C\n")
    assert "several columns may hold SMILES ('a', 'b')" in invoke("predict", trained.run, path).stderr
    assert invoke("predict", trained.run, path, "--smiles-column", "a").exit_code == 0


SHIFTED = """name,smiles,source
ethanol,CCO,lab A
O,O,O-triethyl phosphorothioate,CCOP(=S)(OCC)OCC,lab B
,,
"N,N-dimethylformamide",CN(C)C=O,lab B
broken,C(,lab C
"""


def test_a_row_whose_fields_have_shifted_has_no_value(trained, invoke, tmp_path):
    path, out = tmp_path / "new.csv", tmp_path / "p.csv"
    path.write_text(SHIFTED)
    result = invoke("predict", trained.run, path, "--out", out)
    assert result.exit_code == 0
    _, ethanol, shifted, blank, amide, broken = rows_of(out.read_text())
    assert shifted[:3] == ["O", "O", "O-triethyl phosphorothioate,CCOP(=S)(OCC)OCC,lab B"]  # all that was there
    assert shifted[3:5] == blank[3:5] == broken[3:5] == ["", ""]  # not water's value
    reasons = [row[-1] for row in (ethanol, shifted, blank, amide, broken)]
    assert reasons[0] == reasons[3] == ""
    assert "5 values where the header has 3" in reasons[1]
    float(amide[3])
    rejects = rows_of((tmp_path / "p_rejects.csv").read_text())
    assert rejects[0] == ["line", "column", "value", "reason", "name", "smiles", "source"]
    assert [(row[0], row[3]) for row in rejects[1:]] == [("3", reasons[1]), ("4", reasons[2]), ("6", reasons[4])]
    assert "3 of 5 rows have no prediction, see " in result.stderr
    assert "new.csv, line 3, column 'source': 5 values" in result.stderr

    path.write_text("smiles\nCCO\n")
    invoke("predict", trained.run, path, "--out", out)
    assert not (tmp_path / "p_rejects.csv").exists()  # of another table


def test_training_and_predicting_refuse_the_same_rows(trained, invoke, tmp_path):
    rows = [f"m{n},{'C' * n},{n}" for n in range(1, 21)]
    lines = ["name,smiles,y", *rows, "O,O,O-triethyl phosphorothioate,CCO,1", "broken,C(,2", "short"]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    quick = ["--epochs", "1", "--ensemble", "1", "--no-descriptors", "--device", "cpu", "--split", "random"]
    result = invoke("train", path, "-t", "y", "--out", tmp_path / "run", *quick)
    assert result.exit_code == 0, result.stderr
    invoke("predict", tmp_path / "run", path, "--out", tmp_path / "p.csv")
    trained_on, predicted = (rows_of((tmp_path / name).read_text()) for name in ("run/rejects.csv", "p_rejects.csv"))
    assert [row[0] for row in trained_on] == [row[0] for row in predicted] == ["line", "22", "23", "24"]
    assert trained_on[:3] == predicted[:3]  # the last has neither a target nor a SMILES


def test_what_was_finished_is_kept_when_it_is_interrupted(trained, invoke, tmp_path, monkeypatch):
    from graphattn.tasks.molecule import predictor

    path, out = tmp_path / "new.csv", tmp_path / "p.csv"
    path.write_text("smiles\n" + "CCO\n" * 10)
    out.write_text("of an earlier run")
    monkeypatch.setattr(predictor, "_CHUNK", 4)
    whole = MoleculePredictor._chunk

    def one_chunk(self, *arguments):
        if len(calls) == 1:
            raise KeyboardInterrupt
        calls.append(arguments)
        return whole(self, *arguments)

    calls = []
    monkeypatch.setattr(MoleculePredictor, "_chunk", one_chunk)
    result = invoke("predict", trained.run, path, "--out", out)
    assert result.exit_code == 130
    assert f"What was finished is in {tmp_path / 'p.partial.csv'}.\n" in result.stderr
    assert len(rows_of((tmp_path / "p.partial.csv").read_text())) == 1 + 4
    assert out.read_text() == "of an earlier run"

    calls = [None, None]
    done = (tmp_path / "p.partial.csv").read_text()
    (tmp_path / "p.partial.csv").write_text(done + '"CCO,half a r')  # killed while it wrote
    resumed = invoke("predict", trained.run, path, "--out", out, "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert "10 rows written to" in resumed.stderr
    assert out.read_text().startswith(done)
    assert len(calls) == 2 + 2  # six rows of ten in chunks of four
    assert "there is nothing to resume" in invoke("predict", trained.run, path, "--out", out, "--resume").stderr
    calls = [None, None]
    assert invoke("predict", trained.run, path, "--out", out).exit_code == 0
    assert len(rows_of(out.read_text())) == 1 + 10
    assert not (tmp_path / "p.partial.csv").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_prediction(trained, tmp_path, number, code):
    path, out = tmp_path / "new.csv", tmp_path / "p.csv"
    smiles = (f"CC(=O)Oc1ccccc1C(=O)O{'C' * (number % 50)}N{'C' * (number // 50)}" for number in range(20_000))
    path.write_text("\n".join(["smiles", *smiles]))  # minutes of work
    command = [sys.executable, "-m", "graphattn.cli", "predict", str(trained.run), str(path), "--out", str(out)]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    while not (tmp_path / "p.partial.csv").exists():
        assert run.poll() is None
        time.sleep(0.05)
    run.send_signal(number)
    error = run.communicate(timeout=120)[1]
    assert run.returncode == code, error
    assert "What was finished is in" in error
    assert not out.exists()


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

    from graphattn.cli import molecules

    monkeypatch.setattr(molecules, "sys", type("Sys", (), {"stdin": Terminal()}))
    result = invoke("predict", trained.run)
    assert result.exit_code == USER_ERROR
    assert "no molecules: give a CSV file, SMILES" in result.stderr


def test_no_model(invoke, tmp_path):
    result = invoke("predict", tmp_path, "C")
    assert result.exit_code == USER_ERROR
    assert "is no model directory of graphattn" in result.stderr


def test_a_large_file_is_read_while_it_is_predicted(trained, invoke, tmp_path, monkeypatch):
    """The same as when it is held in memory, whether it is packed or not; a bad row keeps its place."""
    from graphattn.tasks.common import table_stream
    from graphattn.tasks.molecule import tables

    path = tmp_path / "new.csv"
    rows = [f'{number},"a, b",{"C" * (1 + number % 7)}' for number in range(60)]
    rows[11], rows[40] = "11,a, b,C", "40,x,C("
    path.write_text("\n".join(["id,name,smiles", *rows]) + "\n\n")
    assert invoke("predict", trained.run, path, "--out", tmp_path / "whole.csv").exit_code == 0
    monkeypatch.setattr(tables, "LARGE", 1)
    monkeypatch.setattr(table_stream, "_ROWS", 7)
    packed = tmp_path / "new.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for source in (path, packed):
        out = tmp_path / "parts.csv"
        result = invoke("predict", trained.run, source, "--out", out, "--processes", "2")
        assert result.exit_code == 0, result.stderr
        assert "2 of 60 rows have no prediction" in result.stderr
        assert [row[:4] for row in rows_of(out.read_text())] == [
            row[:4] for row in rows_of((tmp_path / "whole.csv").read_text())
        ]
        rejects = rows_of((tmp_path / "parts_rejects.csv").read_text())
        assert [row[0] for row in rejects[1:]] == ["13", "42"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resume"], "--resume needs --out"),
        (["--device", "cuda:99"], "device 'cuda:99' is not available"),
        (["--device", "tpu"], "device must be one of"),
        (["--processes", "0"], "processes must be 1 or more"),
        (["--out", "x.docx"], "its name should end in"),
        (["--out", "x.parquet", "--resume"], "--resume goes on with .csv and .tsv files"),
    ],
)
def test_options_that_cannot_be(trained, invoke, arguments, message):
    result = invoke("predict", trained.run, "CCO", *arguments)
    assert result.exit_code == USER_ERROR
    assert message in result.stderr
