"""A small table, and a model trained on it by the command itself."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from typer.testing import CliRunner

from graphattn.cli.main import app
from graphattn.datasets import load

ROOT = Path(__file__).parents[2]
QUICK = ["--epochs", "2", "--ensemble", "2", "--no-descriptors", "--device", "cpu", "--split", "random"]


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    """31 molecules of ESOL; one of them cannot be read."""
    data = load("esol")
    rows = data.frame.iloc[::37]
    table = pd.DataFrame(
        {
            "id": [f"m{number}" for number in range(len(rows))],
            "smiles": rows["smiles"].to_numpy(),
            "log S": rows[data.target_columns[0]].to_numpy(),
        }
    )
    table.loc[4, "smiles"] = "C1CC("
    return table


@pytest.fixture(scope="session")
def trained(frame, tmp_path_factory) -> SimpleNamespace:
    """The directory of a model trained in a process of its own, and what that printed; tests must not change it."""
    folder = tmp_path_factory.mktemp("trained")
    frame.to_csv(folder / "data.csv", index=False)
    run = folder / "run"
    command = ["train", str(folder / "data.csv"), "--smiles-column", "smiles", "--target", "log S", "--out", str(run)]
    done = subprocess.run(
        [sys.executable, "-m", "graphattn.cli", *command, *QUICK], capture_output=True, text=True, timeout=300, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return SimpleNamespace(run=run, data=folder / "data.csv", stdout=done.stdout, stderr=done.stderr, command=command)


@pytest.fixture
def invoke():
    """Run the command line in this process."""
    runner = CliRunner()
    return lambda *arguments, **settings: runner.invoke(app, [str(argument) for argument in arguments], **settings)
