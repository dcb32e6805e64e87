"""`make gpu` where there is no GPU, and none of what it does not need."""

import json
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch

from graphattn.bench import machine, process
from graphattn.bench.case import Case

SCRIPT = Path(__file__).parent / "run.py"
NOT_NEEDED = [
    "numba", "rdkit", "typer", "rich", "lightning", "pandas", "sklearn", "matplotlib", "scipy", "networkx", "pytest",
]  # fmt: skip


BLOCKED = f"import sys; sys.modules.update(dict.fromkeys({NOT_NEEDED}))"


def blocked(*options):
    """The script in an interpreter that has not got what it does not need."""
    program = f"""
{BLOCKED}
import runpy
sys.argv = [{str(SCRIPT)!r}, *{options!r}]
runpy.run_path({str(SCRIPT)!r}, run_name="__main__")
"""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_and_fails():
    done = blocked()
    assert done.stdout == "There is no GPU here: nothing was checked, nothing measured.\n", done.stderr
    assert done.returncode == 2


def test_it_says_what_it_would_do():
    everything, quick = blocked("--dry-run"), blocked("--dry-run", "--quick", "--checks")
    assert everything.returncode == quick.returncode == 0, everything.stderr + quick.stderr
    for line in ("check: compute-sanitizer", "speed: 1,024 molecules", "bench: complete-512, dot, 8 × 64, bfloat16"):
        assert line in everything.stdout
    assert "check: in_a_cuda_graph, 2 cases" in quick.stdout
    assert "bench: " not in quick.stdout


def test_help():
    done = blocked("--help")
    assert done.returncode == 0, done.stderr
    assert "--dry-run" in done.stdout


def fails(case):
    raise ValueError(f"wrong: {case}")


def test_what_fails_is_written_down_and_the_rest_goes_on(monkeypatch, tmp_path):
    """With checks of its own, and with a measurement that needs a GPU, of which there is none."""
    import gpu.run as script

    def works(case):
        """Nothing."""

    works.cases, fails.cases = lambda quick: ["a"], lambda quick: ["b"]
    monkeypatch.setattr(script, "CHECKS", [works, fails])
    monkeypatch.setattr(script, "SHAPES", [])
    monkeypatch.setattr(script, "PROBES", [])
    monkeypatch.setattr(script, "AT_ONCE", 1)
    monkeypatch.setattr(script.process, "run", lambda function, *arguments, **options: run_here(function, *arguments))
    monkeypatch.setattr(script.process, "in_turns", lambda works, timeout: [answer_here(*work) for work in works])
    monkeypatch.setattr(script, "run_check", lambda name, case: {"works": works, "fails": fails}[name](case))
    monkeypatch.setattr(script, "describe", lambda command: machine.describe(command))
    monkeypatch.setattr(script.shutil, "which", lambda name: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(machine, "describe", lambda command: {"command": command, "device": "cpu"})
    assert script.main("--quick", "--out", str(tmp_path / "gpu.json")) == 1
    content = json.loads((tmp_path / "gpu.json").read_text())
    assert content["checks"] == {"works a": None, "fails b": "ValueError: wrong: b"}
    assert content["sanitizer"] == "not installed"
    assert content["tuned"].startswith("RuntimeError: not here")
    assert all("failed" in entry for entry in content["speed"])
    assert content["results"]
    assert all(result["note"].startswith("RuntimeError: not here") for result in content["results"])
    assert [path.name for path in tmp_path.iterdir()] == ["gpu.json"]


def run_here(function, *arguments):
    """As a process of its own would answer; nothing is measured."""
    try:
        if function.__name__ in ("measure", "tune"):
            raise RuntimeError("not here")
        return function(*arguments)
    except Exception as error:
        raise process.FailedError(f"{type(error).__name__}: {error}") from None


def answer_here(function, *arguments):
    """The same, as processes in turns answer."""
    try:
        return run_here(function, *arguments)
    except process.FailedError as error:
        return error


def test_no_check_begins_when_the_time_is_over(monkeypatch):
    import gpu.run as script

    clock = script.Clock()
    clock.start -= script.BUDGET
    assert script.attempt(clock, script.BUDGET, fails, "a") == (None, "not reached in time")
    task = types.SimpleNamespace(case=Case("cora", "dot", 8, 16), contenders=["PyG", "SDPA"])
    assert [each.note for each in script.bench(task, clock)] == 2 * ["not reached in time"]
    assert script.CHECKS_UNTIL < script.SANITIZER_UNTIL < script.SPEED_UNTIL < script.BENCH_UNTIL < script.BUDGET < 600
