"""What may happen to a training and its model: killed, a full disk, a folder nobody may write, files cut or changed."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graphattn.cli.errors import USER_ERROR

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("GRAPHATTN_KILLS", "2"))
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals and limits")


def start(*arguments, **options):
    command = [sys.executable, "-m", "graphattn.cli", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def numbers(run):
    """The files that the model's numbers are in."""
    return {path.name: path.read_bytes() for path in sorted(run.glob("network-*.safetensors"))}


@pytest.mark.parametrize("number", range(KILLS))
def test_a_training_that_was_killed_goes_on_to_the_same_weights(trained, tmp_path, number):
    """At a moment drawn at random, within the time that the training took last."""
    draw = random.Random(number)
    run = tmp_path / "run"
    command = [*trained.command[:-1], run, "--epochs", "2", "--ensemble", "2", "--no-descriptors", "--device", "cpu"]
    command += ["--split", "random", "--resume"]
    for _ in range(2):
        process = start(*command)
        while not (run / "run.json").exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    last = start(*command)
    error = last.communicate(timeout=300)[1]
    assert last.returncode == 0, error
    assert numbers(run) == numbers(trained.run)


@pytest.mark.parametrize("size", [10, 3000])
def test_a_full_disk_is_a_sentence(trained, tmp_path, size):
    """Files may not grow beyond so many bytes, which fails as a full disk does."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    for command in (
        ["predict", trained.run, trained.data, "--out", tmp_path / "p.csv"],
        [*trained.command[:-1], tmp_path / "run", "--epochs", "1", "--ensemble", "1", "--no-descriptors"],
    ):
        process = start(*command, preexec_fn=limit)
        error = process.communicate(timeout=300)[1]
        assert process.returncode == USER_ERROR, error
        last = error.splitlines()[-1]
        assert last.startswith("Error: ") and ("File too large" in last or "No usable temporary directory" in last)
        assert not (tmp_path / "p.csv").exists()
        assert not (tmp_path / "run" / "model.json").exists()


def test_a_folder_nobody_may_write_is_a_sentence(trained, invoke, tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):  # nothing is closed to root
        folder = Path("/proc/graphattn")
    for command in (
        ["predict", trained.run, "CCO", "--out", folder / "p.csv"],
        [*trained.command[:-1], folder / "run", "--epochs", "1", "--no-descriptors"],
        ["fingerprint", trained.run, "CCO", "--out", folder / "f.npz"],
    ):
        result = invoke(*command)
        assert result.exit_code == USER_ERROR, result.stderr
        assert str(folder) in result.stderr
        assert "Traceback" not in result.stderr


def files_of_model(run):
    return sorted(path.relative_to(run) for path in run.rglob("*") if path.suffix in (".json", ".safetensors"))


@pytest.mark.parametrize("how", ["missing", "empty", "cut", "changed"])
def test_files_that_were_cut_or_changed_are_a_sentence(trained, invoke, tmp_path, how):
    draw = random.Random(how)
    for name in files_of_model(trained.run):
        if name.name in ("run.json", "metrics.json"):
            continue  # read by people, and by --resume
        run = tmp_path / f"{name.stem}-{how}"
        shutil.copytree(trained.run, run)
        path = run / name
        content = bytearray(path.read_bytes())
        if how == "missing":
            path.unlink()
        elif how == "empty":
            path.write_bytes(b"")
        elif how == "cut":
            path.write_bytes(content[: draw.randrange(1, len(content) - 2)])
        elif name.name == "model.json":
            path.write_text(json.dumps(json.loads(content) | {"task": "ranking", "features": 3}))
        else:
            content[draw.randrange(len(content))] ^= 1 + draw.randrange(255)
            path.write_bytes(content)
        result = invoke("predict", run, "CCO")
        assert result.exit_code == USER_ERROR, (name, result.stderr)
        assert str(run) in result.stderr
        assert result.stdout == ""
