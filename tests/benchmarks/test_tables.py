"""How figures are shown."""

import io

import pytest
from bench_cases import report
from rich.console import Console

from graphattn.bench import machine, plot, tables
from graphattn.bench.measure import Timing
from graphattn.bench.result import Report
from graphattn.bench.text import milliseconds, number


def test_figures_as_people_read_them():
    assert [number(value) for value in (1234.5, 123.4, 12.34, 1.234)] == ["1,234", "123", "12.3", "1.23"]
    assert milliseconds(Timing(0.0042, 0.000126, 9)) == "4.20 ms ±3%"
    assert milliseconds(None) == "–"


def test_tables_show_every_contender():
    console = Console(file=io.StringIO(), width=120)
    for name in ("cora", "random-800k"):
        console.print(tables.of_graph(report(), name), *tables.notes(report(), name))
    console.print(tables.summary(report()), tables.aims(report()))
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
