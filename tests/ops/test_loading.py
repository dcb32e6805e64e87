"""Where kernels cannot be loaded: the reference, with a warning that says why; and settings that change nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import graphattn as ga

CALL = """
import torch, graphattn as ga
q = torch.arange(12.0).view(3, 1, 4)
out = ga.attention(q, q, q, ga.Graph(torch.tensor([[0, 1], [1, 2]]), 3))
assert torch.equal(out[1:], q[:2]) and not out[0].any()
"""
BROKEN = """
import sys
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == "numba":
            raise {error}
sys.meta_path.insert(0, Broken())
"""


def run(code, **variables):
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | variables
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("before", "variables", "why"),
    [
        ("", {"NUMBA_DISABLE_JIT": "1"}, "NUMBA_DISABLE_JIT is set"),
        (BROKEN.format(error="AttributeError('np.core')"), {}, "Numba cannot be loaded (np.core)"),
        (BROKEN.format(error="SystemError('llvmlite')"), {}, "Numba cannot be loaded (llvmlite)"),
    ],
    ids=["disabled", "made for another NumPy", "broken"],
)
def test_the_reference_path_serves_and_says_why(before, variables, why):
    done = run(before + CALL, **variables)
    assert done.returncode == 0, done.stderr
    assert why in done.stderr
    assert "runs on the reference path" in done.stderr
    assert "pip install" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="folders that nobody may write")
def test_a_cache_that_cannot_be_written_costs_no_more_than_time(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("")
    done = run(CALL, NUMBA_CACHE_DIR=str(file), NUMBA_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    assert "reference path" not in done.stderr


def edges():
    return ga.Graph(torch.tensor([[0, 1, 3], [1, 2, 4]]), 5)


@pytest.fixture
def x():
    return torch.randn(5, 3, 7, generator=torch.Generator().manual_seed(0))


def test_without_numba_the_reference_runs_and_says_so_once(x, no_numba):
    with pytest.warns(RuntimeWarning, match="Numba is not installed") as caught:
        for _ in range(3):
            out = ga.attention(x, x, x, edges())
    assert len(caught) == 1
    assert torch.equal(out, ga.attention(x, x, x, edges(), backend="reference"))


@pytest.mark.filterwarnings("error")
def test_nothing_is_said_where_numba_would_not_have_served(x, no_numba):
    ga.attention(x, x, x, ga.complete(5))
    ga.attention(x, x, x, edges(), normalize="sparsemax")
    ga.attention(x, x, x, edges(), backend="reference")
    ga.explain_backend(x, x, x, edges())


def test_numba_by_name_where_it_is_missing(x, no_numba):
    with pytest.raises(ValueError, match="backend='numba' cannot run this call: Numba is not installed"):
        ga.attention(x, x, x, edges(), backend="numba")
