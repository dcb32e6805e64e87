import subprocess
import sys
from pathlib import Path

import pytest

from graphattn import __version__

ROOT = Path(__file__).parents[2]


def test_version(invoke):
    result = invoke("--version")
    assert result.exit_code == 0
    assert result.stdout == f"graphattn {__version__}\n"


def test_help_names_the_commands(invoke):
    for result in (invoke("--help"), invoke()):
        assert all(command in result.output for command in ("train", "predict", "info"))


def test_help_needs_nothing_heavy():
    script = (
        "import sys, graphattn.cli.main\n"
        "heavy = {'rdkit', 'lightning', 'pandas', 'sklearn', 'matplotlib', 'torch_geometric', 'torchmetrics'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.stdout == "[]\n", done.stderr


def test_an_unknown_command_is_an_error(invoke):
    assert invoke("tarin").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bench", "--seconds", "nan"], "--seconds"),
        (["bench", "--seconds", "-1"], "--seconds"),
        (["bench", "--json", "FOLDER"], "is a directory"),
        (["bench", "--plot", "FOLDER"], "is a directory"),
        (["bench", "nowhere"], "no graph nowhere"),
        (
            ["predict", "FOLDER", "CCO", "--device", "cuda:99"],
            "device 'cuda:99' is not available",
        ),
        (["predict", "FOLDER", "CCO", "--out", "FOLDER"], "is a directory"),
        (["predict", "FOLDER", "CCO"], "holds no model.json"),
        (["info", "FOLDER"], "holds no model.json"),
        (["info", "/nowhere"], "does not exist"),
        (["train", "FOLDER"], "a directory, not a file"),
        (["train", "esol", "--device", "tpu"], "device must be one of"),
        (["train", "esol", "--precision", "8"], "precision must be one of"),
        (["train", "esol", "--lr", "nan"], "lr must be above 0 and finite"),
        (["train", "esol", "--lr", "inf"], "lr must be above 0 and finite"),
        (["train", "esol", "--epochs", "0"], "epochs must be at least 1"),
        (["train", "esol", "--batch-size", "-3"], "batch_size must be at least 1"),
        (["train", "esol", "--ensemble", "0"], "ensemble must be at least 1"),
        (["train", "esol", "--seed", "-1"], "seed must be"),
        (["train", "esol", "--split", "best", "--out", "FOLDER"], "split must be one of"),
        (["train", "esol", "--task", "ranking", "--out", "FOLDER"], "task must be one of"),
        (["train", "esol", "--target", "", "--out", "FOLDER"], "no column ''"),
        (["train", "esol", "-t", "Number of Rings", "-t", "Number of Rings", "--out", "FOLDER"], "more than once"),
    ],
)
def test_values_that_cannot_be_used_are_a_sentence_and_exit_code_2(arguments, said, invoke, tmp_path):
    result = invoke(*(tmp_path if argument == "FOLDER" else argument for argument in arguments))
    assert result.exit_code == 2, result.output
    assert said.replace(" ", "") in "".join(result.stderr.replace("│", "").split())
    assert "Traceback" not in result.stderr
