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
