"""`make gpu` where there is no GPU, and none of what it does not need."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parent / "run.py"
NOT_NEEDED = [
    "numba", "rdkit", "typer", "rich", "lightning", "pandas", "sklearn", "matplotlib", "scipy", "networkx", "pytest",
]  # fmt: skip


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_and_fails():
    program = f"""
import runpy, sys
sys.modules.update(dict.fromkeys({NOT_NEEDED}))
sys.argv = [{str(SCRIPT)!r}]
runpy.run_path({str(SCRIPT)!r}, run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "There is no GPU here: nothing was checked, nothing measured.\n", done.stderr
    assert done.returncode == 2
