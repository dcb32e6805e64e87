import json

import pytest
import torch

from graphattn.tasks.common import model_directory
from graphattn.tasks.common.errors import ModelDirectoryError

MODEL = {"task": "regression"}
KIND = "graphattn test model"


def test_round_trip(tmp_path):
    model_directory.write_network(tmp_path, 1, {"w": torch.tensor([[1.0, 2.0]]).T}, [{"epoch": 1, "valid_loss": 0.5}])
    weights, history = model_directory.read_network(tmp_path, 1)
    assert weights["w"].tolist() == [[1.0], [2.0]]
    assert history == [{"epoch": 1, "valid_loss": 0.5}]
    model_directory.write_model(tmp_path, KIND, MODEL, {"test": {"r2": float("nan")}})
    model, metrics = model_directory.read_model(tmp_path, KIND)
    assert model["task"] == "regression"
    assert metrics == {"test": {"r2": None}}


def test_directories_that_are_no_model(tmp_path):
    with pytest.raises(ModelDirectoryError, match="does not exist"):
        model_directory.read_model(tmp_path / "none", KIND)
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelDirectoryError, match="is a file, not a model directory"):
        model_directory.read_model(tmp_path / "file", KIND)
    with pytest.raises(ModelDirectoryError, match=r"is no model directory of graphattn: it holds no model\.json"):
        model_directory.read_model(tmp_path, KIND)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ModelDirectoryError, match=r"has not finished; .* --resume"):
        model_directory.read_model(tmp_path, KIND)


def test_a_kind_may_have_a_newer_format(tmp_path):
    model_directory.write_model(tmp_path, KIND, MODEL, {}, version=2)
    assert model_directory.read_model(tmp_path, KIND, newest=2)[0]["format_version"] == 2
    with pytest.raises(ModelDirectoryError, match="has format version 2; this graphattn reads 1"):
        model_directory.read_model(tmp_path, KIND)
    model_directory.write_model(tmp_path, KIND, MODEL, {}, version=3)
    with pytest.raises(ModelDirectoryError, match="has format version 3; this graphattn reads 1 to 2"):
        model_directory.read_model(tmp_path, KIND, newest=2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"model\.json is damaged"),
        ("[]", r"model\.json is damaged \(no JSON object\)"),
        ('{"a": 1}', r"model\.json does not describe a model of graphattn"),
        (
            json.dumps({"format": KIND, "format_version": 99}),
            "has format version 99; this graphattn reads 1",
        ),
        (json.dumps({"format": KIND, "format_version": 1}), r"metrics\.json is missing"),
    ],
)
def test_a_foreign_or_damaged_model_file(tmp_path, content, message):
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(ModelDirectoryError, match=message):
        model_directory.read_model(tmp_path, KIND)


def test_missing_and_damaged_weights(tmp_path):
    with pytest.raises(ModelDirectoryError, match=r"network-1\.safetensors is missing"):
        model_directory.read_network(tmp_path, 1)
    model_directory.write_network(tmp_path, 1, {"w": torch.ones(50)}, [])
    path = tmp_path / "network-1.safetensors"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ModelDirectoryError, match=r"network-1\.safetensors is damaged"):
        model_directory.read_network(tmp_path, 1)


def test_what_is_there_is_not_overwritten_unasked(tmp_path):
    model_directory.check_writable(tmp_path / "new", resume=False, overwrite=False)
    model_directory.check_writable(tmp_path, resume=False, overwrite=False)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ModelDirectoryError, match="is not empty"):
        model_directory.check_writable(tmp_path, resume=False, overwrite=False)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ModelDirectoryError, match=r"unfinished training; .* --resume"):
        model_directory.check_writable(tmp_path, resume=False, overwrite=False)
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(ModelDirectoryError, match="holds a model already"):
        model_directory.check_writable(tmp_path, resume=False, overwrite=False)
    model_directory.check_writable(tmp_path, resume=True, overwrite=False)
    model_directory.check_writable(tmp_path, resume=False, overwrite=True)
    with pytest.raises(ModelDirectoryError, match="choose one"):
        model_directory.check_writable(tmp_path, resume=True, overwrite=True)
    with pytest.raises(ModelDirectoryError, match="is a file"):
        model_directory.check_writable(tmp_path / "mine.txt", resume=False, overwrite=False)


def test_clearing_spares_what_is_not_ours(tmp_path):
    ours = ("model.json", "report.html", "network-2.safetensors", ".model.json.9.tmp")
    for name in (*ours, "mine.safetensors", "data.csv"):
        (tmp_path / name).write_text("")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "network-1.ckpt").write_text("")
    model_directory.clear(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "mine.safetensors"]
