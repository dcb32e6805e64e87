import multiprocessing
import os
import signal
import time

import pytest
import turns

from graphattn.bench import process


def interrupt_parent():
    os.kill(multiprocessing.parent_process().pid, signal.SIGINT)
    time.sleep(600)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
def test_ctrl_c_leaves_no_measurement_running(monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["fork"])
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: Here())
    before = set(multiprocessing.active_children())  # of other tests
    with pytest.raises(KeyboardInterrupt):
        process.run(interrupt_parent)
    assert set(multiprocessing.active_children()) == before


class Here:
    """Forks: a new process would import this file by a name that it cannot find."""

    def __init__(self):
        context = multiprocessing.context.ForkContext()
        self.Pipe, self.Process = context.Pipe, context.Process


def test_a_process_of_its_own():
    assert process.run(os.getpid) != os.getpid()
    with pytest.raises(process.FailedError, match="ValueError: invalid literal"):
        process.run(int, "x")
    with pytest.raises(process.FailedError, match="exit code 3"):
        process.run(os._exit, 3)
    with pytest.raises(process.FailedError, match="took longer"):
        process.run(time.sleep, 30, timeout=0.5)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_killed_process_is_told_from_one_that_failed():
    with pytest.raises(process.FailedError, match="killed"):
        process.run(signal.raise_signal, signal.SIGKILL)


@pytest.mark.skipif(os.name == "nt", reason="pids")
def test_turns():
    """Turn by turn, in processes that live on; one that fails does not end the others."""
    takers = [(turns.count_turns, 3), (turns.fail_in_turn, 1), (turns.count_turns, 1), (os.getpid,)]
    first, failed, second, pid = process.in_turns(takers)
    assert (first[0], second[0]) == (3, 1)
    assert len({first[1], second[1], pid, os.getpid()}) == 4
    assert isinstance(failed, process.FailedError)
    assert str(failed) == "RuntimeError: turn 1"
