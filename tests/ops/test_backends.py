"""What holds of every backend: names, costs, and that to import them loads no compiler of kernels."""

import subprocess
import sys

import graphattn as ga
from graphattn.ops import dispatch

NAMES = ["dense", "block", "linear", "parts", "numba", "triton", "reference"]


def test_each_has_a_name_that_users_give_and_a_summary():
    assert [each.name for each in dispatch.BACKENDS] == NAMES
    assert all(each.summary for each in dispatch.BACKENDS)
    assert all(f'"{name}"' in ga.attention.__doc__ for name in NAMES)


def test_only_the_reference_runs_every_call():
    assert dispatch.BACKENDS[-1].refusal(None) is None


def test_their_modules_load_neither_numba_nor_triton():
    modules = ", ".join(f"graphattn.ops.{'composite' if name == 'parts' else name}.backend" for name in NAMES)
    code = f"import sys, {modules}; assert not {{'numba', 'triton'}} & (set(sys.modules) - before)"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, torch; before = set(sys.modules); {code}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
