"""How figures are shown."""

import io
from dataclasses import replace

import pytest
from bench_cases import report
from rich.console import Console

from graphattn.bench import machine, plot, tables
from graphattn.bench.goals import goals
from graphattn.bench.measure import Timing
from graphattn.bench.result import Report
from graphattn.bench.text import faults, first_call, milliseconds, number, quartiles, system


def test_figures_as_people_read_them():
    assert [number(value) for value in (1234.5, 123.4, 12.34, 1.234)] == ["1,234", "123", "12.3", "1.23"]
    assert milliseconds(Timing(0.0042, 0.004074, 0.004326, 9)) == "4.20 ms ±3%"
    assert milliseconds(None) == "–"
    told = Timing(0.004, 0.003, 0.005, 9, first=0.81, minor_faults=3500.0, major_faults=0.0, system=0.0012)
    assert [show(told) for show in (quartiles, first_call, faults, system)] == [
        "3.00 … 5.00 ms", "810 ms", "3,500", "1.20 ms",
    ]  # fmt: skip
    assert faults(replace(told, major_faults=2.0)) == "3,500 + 2"
    assert [show(Timing(1.0, 1.0, 1.0, 3)) for show in (first_call, faults, system)] == ["–", "–", "–"]


def test_tables_show_every_contender():
    console = Console(file=io.StringIO(), width=200)
    for name in ("cora", "random-800k"):
        console.print(tables.of_graph(report(), name), *tables.notes(report(), name))
    console.print(tables.summary(report()), tables.aims(goals(report())))
    text = console.file.getvalue()
    assert "PyG: not tried" in text
    assert "1,000 ms ±10%" in text
    assert "4.00 (2.00)" in text


def test_a_picture(tmp_path):
    path = tmp_path / "picture.png"
    plot.draw(report(), path)
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="nothing to draw"):
        plot.draw(Report(machine.describe("")), path)
