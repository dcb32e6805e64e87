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
from graphattn.ops.numba.forward_kernel import forward
print(sum(forward.dispatcher.stats.cache_hits.values()))
"""


def run(cache):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    total, hits = done.stdout.split()
    return float(total), int(hits)


def test_second_process_finds_the_machine_code(tmp_path):
    assert run(tmp_path) == (8.0, 0)
    assert run(tmp_path) == (8.0, 1)


SLOW = """
import logging, sys, time
from graphattn.ops.numba import note
note.PATIENCE = 0.0
if sys.argv[1] == "silent":
    logging.getLogger("graphattn").setLevel(logging.ERROR)
with note.noted("a folder", lambda: True):
    limit = time.monotonic() + (0.2 if sys.argv[1] == "turned off" else 30)
    while not note._said and time.monotonic() < limit:
        time.sleep(0.01)
    print(note._said)
with note.noted("a folder", lambda: True):
    time.sleep(0.05)
"""


@pytest.mark.parametrize(
    ("way", "quiet", "notes"), [("heard", "", 1), ("heard", "0", 1), ("silent", "", 0), ("turned off", "1", 0)]
)
def test_a_note_while_it_compiles_unless_it_is_turned_off(way, quiet, notes):
    environment = {**os.environ, "GRAPHATTN_QUIET": quiet}
    command = [sys.executable, "-c", SLOW, way]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr.count("graphattn: compiling the CPU kernels, once; they are kept in a folder") == notes
    assert done.stdout.strip() == str(quiet != "1")  # said before it was over


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path):
    occupied = tmp_path / "occupied"
    occupied.write_text("a file, where the cache wants a folder")
    assert run(occupied) == (8.0, 0)


def test_a_broken_cache_is_compiled_anew(tmp_path):
    run(tmp_path)
    for path in tmp_path.rglob("*.nb[ic]"):
        path.write_bytes(path.read_bytes()[:-20])
    assert run(tmp_path) == (8.0, 0)


def test_an_entry_of_another_version_is_compiled_anew(tmp_path):
    import pickle

    run(tmp_path)
    renamed = b"cgraphattn.ops.numba.no_such_module\nKind\n."  # a pickle that imports a module that is gone
    with pytest.raises(ModuleNotFoundError):
        pickle.loads(renamed)
    for path in tmp_path.rglob("*.nbc"):
        path.write_bytes(renamed)
    assert run(tmp_path) == (8.0, 0)
    for path in tmp_path.rglob("*.nbi"):
        path.write_bytes(renamed)
    assert run(tmp_path) == (8.0, 0)


def test_versions_keep_their_machine_code_apart(tmp_path, monkeypatch):
    from graphattn.ops.numba import jit

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    ours = jit.cache_directory()
    monkeypatch.setattr(jit, "_sources_digest", lambda: "f" * 64)
    assert jit.cache_directory() != ours
    assert jit.cache_directory().parent == ours.parent
