"""Compiled code is kept on disk, and a folder that cannot be used breaks nothing."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("numba")

PROGRAM = """
import torch, graphattn as ga
x = torch.ones(3, 1, 4)
print(float(ga.attention(x, x, x, ga.Graph(torch.tensor([[0, 1], [1, 2]]), 3), backend="numba").sum()))
from graphattn.ops.numba.forward import forward
print(sum(forward.stats.cache_hits.values()))
"""


def run(cache):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    total, hits = done.stdout.split()
    return float(total), int(hits)


def test_second_process_finds_the_machine_code(tmp_path):
    assert run(tmp_path) == (8.0, 0)
    assert run(tmp_path) == (8.0, 1)


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path):
    occupied = tmp_path / "occupied"
    occupied.write_text("a file, where the cache wants a folder")
    assert run(occupied) == (8.0, 0)


def test_a_broken_cache_is_compiled_anew(tmp_path):
    run(tmp_path)
    for path in tmp_path.rglob("*.nb[ic]"):
        path.write_bytes(path.read_bytes()[:-20])
    assert run(tmp_path) == (8.0, 0)
