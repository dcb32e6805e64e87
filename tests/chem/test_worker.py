"""The function is `eval`, so that a text can do what RDKit does at its worst: never return, crash, print."""

import signal
import subprocess
import sys

import pytest

from graphattn.chem import worker as module
from graphattn.chem.worker import NoWorkerError, StoppedError, Worker

FOREVER = "sum(iter(int, 1))"  # within C, where no handler of Python's runs


def test_answers_in_order_and_errors_among_them():
    with Worker(eval, 60) as worker:
        assert list(worker([])) == []
        one, two, error, four = worker(["1", "'a' * 100000", "1 / 0", "print('printed') or 4"])
        assert (one, two, four) == (1, "a" * 100000, 4)
        assert isinstance(error, ZeroDivisionError)
        process = worker._process
        assert list(worker(["5"])) == [5]
        assert worker._process is process
    assert process.returncode is not None


def test_what_takes_too_long_or_crashes_costs_only_itself():
    with Worker(eval, 0.5) as worker:
        late, two, crash, four = worker([FOREVER, "2", "__import__('os').abort()", "4"])
    assert isinstance(late, StoppedError)
    assert str(late) == "it takes more than 0.5 s to compute"
    assert isinstance(crash, StoppedError)
    assert "RDKit crashes on it" in str(crash)
    assert (two, four) == (2, 4)


def test_the_process_ends_when_the_caller_wants_no_more():
    worker = Worker(eval, 600)
    answers = worker(["1", FOREVER])
    assert next(answers) == 1
    process = worker._process
    answers.close()
    assert process.returncode is not None
    assert list(worker(["2"])) == [2]  # in a new one, which knows nothing of the old questions
    worker.close()
    worker.close()


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has other signals")
def test_ctrl_c_does_not_reach_it():
    with Worker(eval, 60) as worker:
        list(worker(["1"]))
        worker._process.send_signal(signal.SIGINT)
        assert list(worker(["2"])) == [2]


def test_it_loads_neither_torch_nor_the_callers_program():
    with Worker(eval, 60) as worker:
        (found,) = worker(["[name in __import__('sys').modules for name in ('torch', 'pytest', 'graphattn.nn')]"])
    assert found == [False, False, False]


def test_features_load_without_torch():
    check = "__import__('graphattn.chem.features') and 'torch' in __import__('sys').modules"
    with Worker(eval, 60) as worker:
        assert list(worker([check])) == [False]


@pytest.mark.parametrize("executable", ["", "/no/such/python"])
def test_where_no_process_can_be_started(monkeypatch, executable):
    monkeypatch.setattr(sys, "executable", executable)
    with pytest.raises(NoWorkerError), Worker(eval, 60) as worker:
        list(worker(["1"]))


def test_where_the_process_ends_before_it_answers(monkeypatch, capfd):
    monkeypatch.setattr(module, "_START", "raise SystemExit(3)")
    with pytest.raises(NoWorkerError), Worker(eval, 60) as worker:
        list(worker(["1"]))
    assert capfd.readouterr().err == ""


def test_it_ends_with_the_program_that_asked():
    program = (
        "import os; from graphattn.chem.worker import Worker; worker = Worker(eval, 60); list(worker(['1']))\n"
        "print(worker._process.pid, flush=True); os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    # communicate() would wait for whoever holds the pipes; the worker's standard error is one of them
    assert int(done.stdout) > 0
    assert done.stderr == ""
