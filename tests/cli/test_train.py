import json

import pytest

from graphattn.cli.errors import USER_ERROR

QUICK = ["--epochs", "1", "--ensemble", "1", "--no-descriptors", "--device", "cpu"]
ROWS = [("C" * n, n % 3 + 0.5) for n in range(1, 13)]


def write(path, rows=ROWS, header="smiles,y"):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def test_what_it_prints(trained):
    for part in ("graphattn", "mean predictor", "random forest", "gradient boosting", "RMSE", "MAE", "R²"):
        assert part in trained.stdout
    for name in ("predictions.csv", "report.html", "rejects.csv"):
        assert str(trained.run / name) in trained.stdout
    assert trained.stdout.rstrip().splitlines()[-1].strip().startswith(f"graphattn predict {trained.run}/ ")
    assert "left out 1 row, see" in trained.stderr
    assert "line 6, column 'smiles': 'C1CC(' is not valid SMILES" in trained.stderr
    assert "network 2/2: 2 epochs" in trained.stderr
    noise = ("Warning", "warn", "Tip", "GPU available", "Traceback", "Seed set")
    assert not any(word in trained.stderr for word in noise), trained.stderr


def test_what_it_writes(trained):
    metrics = json.loads((trained.run / "metrics.json").read_text())
    assert set(metrics["test"]) == {"rmse", "mae", "r2"}
    assert metrics["baselines"]["mean"]["rmse"] > 0
    assert (trained.run / "rejects.csv").read_text().splitlines()[1].startswith("6,smiles,C1CC(,")
    split = json.loads((trained.run / "model.json").read_text())["split"]
    assert len((trained.run / "predictions.csv").read_text().splitlines()) == 1 + len(split["test"])


def test_a_finished_training_is_not_overwritten_but_may_be_resumed(trained, invoke):
    arguments = [*trained.command, "--epochs", "2", "--ensemble", "2", "--no-descriptors", "--device", "cpu"]
    arguments += ["--split", "random"]
    result = invoke(*arguments)
    assert result.exit_code == USER_ERROR
    assert "holds a model already" in result.stderr
    result = invoke(*arguments, "--lr", "0.5", "--resume")
    assert result.exit_code == USER_ERROR
    assert "lr was 0.001 and is now 0.5" in result.stderr


def test_a_data_set_by_name_brings_its_columns(invoke, tmp_path, monkeypatch):
    seen = {}

    def stop(table, directory, **settings):
        seen.update(settings, table=table, directory=directory)
        raise KeyboardInterrupt

    monkeypatch.setattr("graphattn.tasks.molecule.experiment.run_experiment", stop)
    monkeypatch.chdir(tmp_path)
    assert invoke("train", "esol").exit_code == 130
    assert seen["table"].name == "esol"
    assert str(seen["directory"]) == "runs/esol"
    assert seen["target_columns"] == ["measured log solubility in mols per litre"]
    assert seen["split"] == "scaffold"
    assert seen["unit"] == "log mol/L"
    invoke(
        "train",
        "esol",
        "--split-column",
        "smiles",
        "-t",
        "Number of Rings",
        "--out",
        "x",
        "--ensemble",
        "7",
        "--members",
        "network, svr",
    )
    assert seen["split"] is None
    assert seen["target_columns"] == ["Number of Rings"]
    assert seen["training"].ensemble == 7
    assert seen["training"].members == ("network", "svr")


def test_standard_input(invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = write(tmp_path / "t.csv").read_text().replace(",", ";")
    result = invoke("train", "-", *QUICK, input=text)
    assert result.exit_code == 0, result.stderr
    assert "standard input: 12 molecules, regression of y" in result.stderr
    assert (tmp_path / "runs" / "stdin" / "model.json").exists()


GOOD = [(f"m{number}", *row) for number, row in enumerate(ROWS)]


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (b"", [], "t.csv, line 1: the file is empty"),
        (b"smiles,y\n", [], "t.csv, line 1: there is a header but no row below it"),
        (b"smiles,y\nC,1\n", ["-t", "y"], "1 usable row (columns 'smiles' and 'y')"),
        (b"smiles,y\nC,1\n", ["-t", "z"], "t.csv, line 1: no column 'z'; the columns are 'smiles', 'y'"),
        (b"smiles,y\nC,1\n", ["--smiles-column", "smile"], "no column 'smile' (did you mean 'smiles'?)"),
        (
            b"smiles,y\n" + b"".join(b"C,text %d\n" % n for n in range(11)),
            ["-t", "y"],
            "line 2, column 'y': 'text 0' is not",
        ),
        (b"smiles,y\nC,NaN\nCC,\n", ["-t", "y"], "t.csv, line 2, column 'y': the target value is missing"),
        (b"smiles,y\nC,1\nCC,1\n", ["-t", "y"], "t.csv, column 'y': all 2 values are 1 (one class only)"),
        (b"smiles,y\nX,1\nQ,2\n", ["-t", "y"], "t.csv, line 2, column 'smiles': 'X' is not valid SMILES"),
        (b"smiles,y,n\nC,1,\xe9\n", ["-t", "y"], "t.csv, line 2, column 'n': byte 0xE9 is not valid UTF-8"),
        ("smiles,y\nC,1\n".encode("utf-16"), ["-t", "y"], "t.csv, line 1: the file is UTF-16"),
        (b"smiles,y,y\nC,1,2\n", ["-t", "y"], "t.csv, line 1: column 'y' appears 2 times (fields 2 and 3)"),
        (b"smiles,y\nC,1\n", ["-t", "y", "--lr", "0"], "lr must be above 0"),
        (b"smiles,y\nC,1\n", ["-t", "y", "--split", "best"], "split must be one of scaffold, random, stratified"),
        (b"smiles,y\nC,1\n", ["-t", "y", "--precision", "16", "--device", "cpu"], "precision 16 needs a GPU"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(invoke, tmp_path, monkeypatch, content, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_bytes(content)
    result = invoke("train", "t.csv", *arguments)
    assert result.exit_code == USER_ERROR
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
    assert not (tmp_path / "runs").exists()


def test_a_file_that_is_not_there(invoke):
    result = invoke("train", "nothing.csv")
    assert result.exit_code == USER_ERROR
    assert "'nothing.csv': no such file, and no data set is called so; there are esol" in result.stderr


def test_bad_rows_are_rejected_and_training_goes_on(invoke, tmp_path):
    rows = [*GOOD, ("m3", "CCO", 1), ("x", "CC(", 2), ("y", "CN", "high"), ("z", "CF", "")]
    data = write(tmp_path / "t.csv", rows, "id,smiles,y")
    result = invoke("train", data, "-t", "y", "--id-column", "id", "--out", tmp_path / "run", *QUICK)
    assert result.exit_code == 0, result.stderr
    assert "left out 4 rows" in result.stderr
    rejects = (tmp_path / "run" / "rejects.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in rejects[1:]] == [["14", "id"], ["15", "smiles"], ["16", "y"], ["17", "y"]]
