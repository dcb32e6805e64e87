import json

import pytest
import torch

from graphattn.tasks.molecule import storage
from graphattn.tasks.molecule.errors import ModelDirectoryError

MODEL = {"task": "regression"}


def test_round_trip(tmp_path):
    storage.write_network(tmp_path, 1, {"w": torch.tensor([[1.0, 2.0]]).T}, [{"epoch": 1, "valid_loss": 0.5}])
    weights, history = storage.read_network(tmp_path, 1)
    assert weights["w"].tolist() == [[1.0], [2.0]]
    assert history == [{"epoch": 1, "valid_loss": 0.5}]
    storage.write_model(tmp_path, MODEL, {"test": {"r2": float("nan")}})
    model, metrics = storage.read_model(tmp_path)
    assert model["task"] == "regression"
    assert metrics == {"test": {"r2": None}}


def test_directories_that_are_no_model(tmp_path):
    with pytest.raises(ModelDirectoryError, match="does not exist"):
        storage.read_model(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelDirectoryError, match="is a file, not a model directory"):
        storage.read_model(tmp_path / "file")
    with pytest.raises(ModelDirectoryError, match=r"is no model directory of graphattn: it holds no model\.json"):
        storage.read_model(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ModelDirectoryError, match=r"has not finished; .* --resume"):
        storage.read_model(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"model\.json is damaged"),
        ("[]", r"model\.json is damaged \(no JSON object\)"),
        ('{"a": 1}', r"model\.json does not describe a model of graphattn"),
        (json.dumps({"format": storage.FORMAT, "format_version": 99}), "has format version 99; this graphattn reads 1"),
        (json.dumps({"format": storage.FORMAT, "format_version": 1}), r"metrics\.json is missing"),
    ],
)
def test_a_foreign_or_damaged_model_file(tmp_path, content, message):
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(ModelDirectoryError, match=message):
        storage.read_model(tmp_path)


def test_missing_and_damaged_weights(tmp_path):
    with pytest.raises(ModelDirectoryError, match=r"network-1\.safetensors is missing"):
        storage.read_network(tmp_path, 1)
    storage.write_network(tmp_path, 1, {"w": torch.ones(50)}, [])
    path = tmp_path / "network-1.safetensors"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ModelDirectoryError, match=r"network-1\.safetensors is damaged"):
        storage.read_network(tmp_path, 1)


def test_what_is_there_is_not_overwritten_unasked(tmp_path):
    storage.check_writable(tmp_path / "new", resume=False, overwrite=False)
    storage.check_writable(tmp_path, resume=False, overwrite=False)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ModelDirectoryError, match="is not empty"):
        storage.check_writable(tmp_path, resume=False, overwrite=False)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ModelDirectoryError, match=r"unfinished training; .* --resume"):
        storage.check_writable(tmp_path, resume=False, overwrite=False)
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(ModelDirectoryError, match="holds a model already"):
        storage.check_writable(tmp_path, resume=False, overwrite=False)
    storage.check_writable(tmp_path, resume=True, overwrite=False)
    storage.check_writable(tmp_path, resume=False, overwrite=True)
    with pytest.raises(ModelDirectoryError, match="choose one"):
        storage.check_writable(tmp_path, resume=True, overwrite=True)
    with pytest.raises(ModelDirectoryError, match="is a file"):
        storage.check_writable(tmp_path / "mine.txt", resume=False, overwrite=False)


def test_clearing_spares_what_is_not_ours(tmp_path):
    ours = ("model.json", "report.html", "network-2.safetensors", ".model.json.9.tmp")
    for name in (*ours, "mine.safetensors", "data.csv"):
        (tmp_path / name).write_text("")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "network-1.ckpt").write_text("")
    storage.clear(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "mine.safetensors"]
