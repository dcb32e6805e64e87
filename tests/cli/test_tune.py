import json

import pytest

from graphattn.cli.errors import USER_ERROR

QUICK = ["--epochs", "1", "--ensemble", "2", "--device", "cpu", "--split", "random"]


def test_the_best_settings_train_a_model(trained, invoke, tmp_path):
    pytest.importorskip("optuna")
    found = invoke("tune", trained.data, "--target", "log S", "--budget", "0.01s", "--out", tmp_path / "tune", *QUICK)
    assert found.exit_code == 0, found.stderr
    assert "best of 1 trial: RMSE" in found.stdout
    settings = tmp_path / "tune" / "settings.json"
    assert f"--target 'log S' --settings {settings}" in found.stdout
    content = json.loads(settings.read_text())
    content["model"] |= {"depth": 1, "embed_dim": 8, "descriptors": False}
    settings.write_text(json.dumps(content))
    run = tmp_path / "run"
    command = ["train", trained.data, "--target", "log S", "--settings", settings, "--width", "16", "--out", run]
    made = invoke(*command, "--split", "random")
    assert made.exit_code == 0, made.stderr
    model = json.loads((run / "model.json").read_text())
    assert model["model"]["depth"] == 1
    assert model["model"]["embed_dim"] == 16  # said on the command line
    assert model["training"]["epochs"] == 1  # said in the file


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--budget", "soon"], "budget must be a time"), (["--target", "nothing"], "no column 'nothing'")],
)
def test_what_cannot_be_tuned(trained, invoke, tmp_path, arguments, message):
    result = invoke("tune", trained.data, "--target", "log S", "--out", tmp_path / "t", *QUICK, *arguments)
    assert result.exit_code == USER_ERROR
    assert message in result.stderr
