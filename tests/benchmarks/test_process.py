import multiprocessing
import os
import signal
import time

import pytest

from graphattn.bench import process


def interrupt_parent():
    os.kill(multiprocessing.parent_process().pid, signal.SIGINT)
    time.sleep(600)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
def test_ctrl_c_leaves_no_measurement_running(monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["fork"])
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: Here())
    with pytest.raises(KeyboardInterrupt):
        process.run(interrupt_parent)
    assert multiprocessing.active_children() == []


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
