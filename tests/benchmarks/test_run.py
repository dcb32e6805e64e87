"""The command, from its arguments to its files."""

import pytest
from bench_cases import COMPILED, HERE
from typer.testing import CliRunner

from graphattn.bench import case as cases
from graphattn.bench import run, scaling
from graphattn.bench.case import Case
from graphattn.bench.contenders import ALL
from graphattn.bench.result import Report
from graphattn.cli.main import app

pytest.importorskip("numba")


def test_a_contender_that_fails_is_reported_not_fatal():
    found = run.Task(Case("no such graph", "dot", 1, 1), ["graphattn", "PyG"], 1, HERE).run(0.0)
    assert [result.contender for result in found] == ["graphattn", "PyG"]
    assert all(result.forward is None and "no such graph" in result.note for result in found)


def test_command_writes_every_figure(tmp_path, monkeypatch):
    monkeypatch.setattr(cases, "QUICK", [Case("molecules", "dot", 8, 16), Case("complete-512", "dot", 8, 16)])
    monkeypatch.setattr(run, "ALL", {name: ALL[name] for name in ALL if name not in COMPILED})
    path, picture = tmp_path / "figures.json", tmp_path / "picture.png"
    arguments = ["bench", "molecules", "--quick", "--seconds", "0", "--json", str(path), "--plot", str(picture)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    found = Report.load(path)
    assert found.environment["command"] == "graphattn bench molecules --quick --seconds 0"
    assert {result.case for result in found.results} == {Case("molecules", "dot", 8, 16)}
    contenders = [result.contender for result in found.results]
    assert contenders[:2] == ["graphattn", "plain torch"]
    assert contenders[-1] == "gather"
    assert "best rival of each row" in done.output
    assert {"quartiles", "first", "faults", "sys", "gather"} <= set(done.output.split())
    (line,) = (line for line in done.output.splitlines() if line.strip().startswith("dot"))  # which did not wrap
    assert line.count("ms") >= 3
    assert line.rstrip().endswith("%")
    mine = found.results[0]
    assert mine.forward.first >= 0
    assert mine.memory is None or mine.memory.results == 4 * 4 * 1_538 * 8 * 16


def test_command_measures_how_the_cost_grows(tmp_path, monkeypatch):
    point = {"axis": "edges", "order": "local", "num_edges": 1_600, "heads": 1, "width": 16}
    monkeypatch.setattr(scaling, "points", lambda device: [point, {**point, "num_edges": 3_200}])
    path, picture = tmp_path / "figures.json", tmp_path / "picture.png"
    arguments = ["bench", "--scaling", "--seconds", "0", "--json", str(path), "--plot", str(picture)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert [point["num_edges"] for point in Report.load(path).scaling] == [1_600, 3_200]
    assert "exponent" in done.output
    assert picture.exists()


def test_command_names_the_graphs_there_are():
    done = CliRunner().invoke(app, ["bench", "nothing"])
    assert done.exit_code == 2
    assert "molecules" in done.output
