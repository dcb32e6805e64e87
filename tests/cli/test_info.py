import torch

from graphattn import __version__
from graphattn.cli.errors import USER_ERROR


def test_a_model_directory(trained, invoke):
    result = invoke("info", trained.run)
    assert result.exit_code == 0
    for part in ("regression of log S", "30 molecules, 1 rows left out", "random: 24 train", "random forest", "RMSE"):
        assert part in result.stdout


def test_the_installation(invoke):
    result = invoke("info")
    assert result.exit_code == 0
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert lines["graphattn"] == __version__
    assert lines["torch"] == torch.__version__
    assert lines["devices"].startswith("cpu (")


def test_no_model(invoke, tmp_path):
    result = invoke("info", tmp_path / "none")
    assert result.exit_code == USER_ERROR
    assert "does not exist" in result.stderr
