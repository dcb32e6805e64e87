"""Tables that are written to a file do not wrap."""

import io
import sys

from rich.table import Table

from graphattn.cli.wide_console import wide_console


class Terminal(io.StringIO):
    def isatty(self):
        return True


def table():
    made = Table(*(f"column {place}" for place in range(20)))
    made.add_row(*(f"a cell of some width {place}" for place in range(20)))
    return made


def test_lines_of_a_file(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    wide_console().print(table())
    (line,) = (line for line in sys.stdout.getvalue().splitlines() if "cell" in line)
    assert line.count("a cell of some width") == 20


def test_lines_of_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert wide_console().width == 80
