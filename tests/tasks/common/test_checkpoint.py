import os
import pickle

import pytest
import torch

from graphattn.tasks.common.checkpoint import AtomicCheckpointIO
from graphattn.tasks.common.errors import ModelDirectoryError


class Boom:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch unpickled",)


def test_round_trip(tmp_path):
    path = tmp_path / "new" / "a.ckpt"
    AtomicCheckpointIO().save_checkpoint({"weights": torch.arange(3), "epoch": 7}, path)
    content = AtomicCheckpointIO().load_checkpoint(path)
    assert content["weights"].tolist() == [0, 1, 2]
    assert content["epoch"] == 7
    assert [entry.name for entry in path.parent.iterdir()] == ["a.ckpt"]
    AtomicCheckpointIO().remove_checkpoint(path)
    AtomicCheckpointIO().remove_checkpoint(path)
    assert not path.exists()


def test_a_failed_save_leaves_the_checkpoint_before(tmp_path):
    path = tmp_path / "a.ckpt"
    AtomicCheckpointIO().save_checkpoint({"epoch": 1}, path)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        AtomicCheckpointIO().save_checkpoint({"epoch": lambda: 2}, path)
    assert AtomicCheckpointIO().load_checkpoint(path) == {"epoch": 1}


def test_no_code_runs_from_a_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"epoch": Boom()}, "a.ckpt")
    with pytest.raises(ModelDirectoryError, match=r"a\.ckpt is not a checkpoint that can be read safely"):
        AtomicCheckpointIO().load_checkpoint("a.ckpt")
    assert not (tmp_path / "unpickled").exists()
