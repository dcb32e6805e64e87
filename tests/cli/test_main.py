import subprocess
import sys
from pathlib import Path

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
