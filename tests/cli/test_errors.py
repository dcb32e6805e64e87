import errno
import signal
import sys

import pytest
import typer

from graphattn.cli.errors import reported
from graphattn.datasets import DatasetError
from graphattn.tasks.molecule import TableError


def failing(error):
    @reported
    def command():
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (TableError("t.csv, line 2: no"), 2, "Error: t.csv, line 2: no."),
        (DatasetError("no data set!"), 2, "Error: no data set!"),
        (OSError(errno.ENOSPC, "No space left on device", "out.csv"), 2, "Error: out.csv: No space left on device."),
        (KeyError("x"), 1, "Error: KeyError: 'x'. Set GRAPHATTN_DEBUG=1 to see where it happened."),
        (ValueError(), 1, "Error: ValueError: no message. Set GRAPHATTN_DEBUG=1 to see where it happened."),
    ],
)
def test_one_sentence_and_a_code(error, code, said, capsys, monkeypatch):
    monkeypatch.delenv("GRAPHATTN_DEBUG", raising=False)
    with pytest.raises(typer.Exit) as stopped:
        failing(error)()
    assert stopped.value.exit_code == code
    assert capsys.readouterr() == ("", f"{said}\n")


def test_debugging_lets_the_exception_through(monkeypatch):
    monkeypatch.setenv("GRAPHATTN_DEBUG", "1")
    with pytest.raises(TableError):
        failing(TableError("no"))()


def test_an_interrupted_training_says_how_to_go_on(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["graphattn", "train", "my data.csv", "--overwrite", "--out", "run"])
    with pytest.raises(typer.Exit) as stopped:
        failing(KeyboardInterrupt())()
    assert stopped.value.exit_code == 130
    assert "\n  graphattn train 'my data.csv' --out run --resume\n" in capsys.readouterr().err


def test_another_interrupted_command_just_says_so(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["graphattn", "predict", "run"])
    with pytest.raises(typer.Exit):
        failing(KeyboardInterrupt())()
    assert capsys.readouterr().err == "Interrupted.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM of this kind")
def test_sigterm_has_a_code_of_its_own_and_its_handler_is_put_back(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["graphattn", "bench"])

    @reported
    def command():
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(typer.Exit) as stopped:
        command()
    assert stopped.value.exit_code == 143
    assert capsys.readouterr().err == "Terminated.\n"
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_typer_says_itself_stays_its_own():
    with pytest.raises(typer.BadParameter):
        failing(typer.BadParameter("no graph x"))()
