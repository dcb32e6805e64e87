"""`graphattn label`: what it writes, what it says, and how it refuses."""

import csv
import json
from types import SimpleNamespace

import networkx as nx
import pytest
from typer.testing import CliRunner

from graphattn.cli.main import app

ROLES = ["boss" if number % 2 else "clerk" for number in range(40)]
NODES = "name,age,city,role\n" + "".join(
    f"m{number:02d},{20 + 7 * number % 40},{'AB'[number % 2]},{role if number % 5 else ''}\n"
    for number, role in enumerate(ROLES)
)
EDGES = "source,target,weight\n" + "".join(
    f"m{number:02d},m{(number + step) % 40:02d},{step}\n" for number in range(40) for step in (2, 4)
)


def run(*arguments):
    return CliRunner().invoke(app, ["label", *map(str, arguments)])


@pytest.fixture(scope="module")
def club(tmp_path_factory):
    """A run on the karate club; tests must not change it."""
    folder = tmp_path_factory.mktemp("club")
    nx.write_graphml(nx.karate_club_graph(), folder / "club.graphml")
    done = run("--graph", folder / "club.graphml", "--target", "club", "--out", folder / "run")
    assert done.exit_code == 0, done.output
    return SimpleNamespace(folder=folder, run=folder / "run", graph=folder / "club.graphml", said=done)


@pytest.fixture(scope="module")
def staff(tmp_path_factory):
    """A run on two tables, one row of which is no good."""
    folder = tmp_path_factory.mktemp("staff")
    (folder / "nodes.csv").write_text(NODES)
    (folder / "edges.csv").write_text(EDGES + "m01,nobody,1\n")
    done = run(folder / "nodes.csv", folder / "edges.csv", "--target", "role", "--out", folder / "run", "--json")
    assert done.exit_code == 0, done.output
    return SimpleNamespace(folder=folder, run=folder / "run", said=done)


def rows(text):
    return list(csv.DictReader(text.splitlines()))


def test_the_folder_of_a_run(club):
    assert sorted(path.name for path in club.run.iterdir()) == [
        "labels.csv", "metrics.json", "model", "pictures", "report.html",
    ]  # fmt: skip
    table = rows((club.run / "labels.csv").read_text())
    assert [row["id"] for row in table] == [str(number) for number in range(34)]
    for row in table:
        chances = [float(row[f"club_probability_{name}"]) for name in ("Mr. Hi", "Officer")]
        assert sum(chances) == pytest.approx(1, abs=1e-4)
        assert float(row["club_confidence"]) == max(chances)
        assert row["club_predicted"] in ("Mr. Hi", "Officer")
    measured = json.loads((club.run / "metrics.json").read_text())
    assert measured["nodes"] == 34 and measured["edges"] == 78
    assert (club.run / "pictures" / "network.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_said(club):
    assert "34 nodes, 78 undirected edges" in club.said.stderr
    assert "taken for" in club.said.stderr and "destination" in club.said.stderr
    assert "too few to tell recipes apart" in club.said.stderr
    for method in ("attention network", "majority", "label propagation", "gradient boosting", "Answer:"):
        assert method in club.said.stdout
    assert "label explain" in club.said.stdout


def test_the_report_stands_alone(club):
    page = (club.run / "report.html").read_text()
    assert "http" not in page.replace("http://www.w3.org", "")
    for heading in ("Who answers", "The data", "columns were taken for", "how sure", "Training", "The network"):
        assert heading in page
    assert "$" not in page.split("</style>")[1]


def test_two_tables_as_json(staff):
    measured = json.loads(staff.said.stdout)
    assert measured["target"] == "role" and measured["nodes"] == 40
    table = rows((staff.run / "labels.csv").read_text())
    given = rows(NODES)
    assert [{name: row[name] for name in given[0]} for row in table] == given
    assert {row["role_predicted"] for row in table} <= {"boss", "clerk"}
    (reject,) = rows((staff.run / "rejects.csv").read_text())
    assert reject["value"] == "nobody" and reject["file"].endswith("edges.csv") and reject["line"] == "82"


def test_predict_on_the_same_network_says_the_same(club):
    done = run("predict", club.run, "--graph", club.graph)
    assert done.exit_code == 0, done.output
    known = (club.run / "labels.csv").read_text()
    assert run("predict", club.run).stdout == known
    for row, before in zip(rows(done.stdout), rows(known), strict=True):
        assert row["id"] == before["id"] and row["club"] == before["club"]
        assert float(row["club_confidence"]) == pytest.approx(float(before["club_confidence"]), abs=1e-3)


def test_predict_on_a_grown_network(staff, tmp_path):
    (tmp_path / "nodes.csv").write_text("name,age,city\nm02,34,A\nnew,50,B\n")
    (tmp_path / "edges.csv").write_text("source,target,weight\nnew,m02,2\nnew,ghost,1\n")
    done = run("predict", staff.run, tmp_path / "nodes.csv", tmp_path / "edges.csv", "--out", tmp_path / "out.csv")
    assert done.exit_code == 0, done.output
    assert [row["name"] for row in rows((tmp_path / "out.csv").read_text())] == ["m02", "new"]
    assert "2 rows written" in done.stderr and "1 row was left out" in done.stderr
    assert rows((tmp_path / "out_rejects.csv").read_text())[0]["value"] == "ghost"


def test_numbers(tmp_path):
    (tmp_path / "nodes.csv").write_text(NODES)
    (tmp_path / "edges.csv").write_text(EDGES)
    done = run(tmp_path / "nodes.csv", tmp_path / "edges.csv", "--target", "age", "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert "valid R²" in done.stdout and "test RMSE" in done.stdout
    (row, *_) = rows((tmp_path / "run" / "labels.csv").read_text())
    assert float(row["age_low"]) <= float(row["age_predicted"]) <= float(row["age_high"])
    page = (tmp_path / "run" / "report.html").read_text()
    assert "On the line, prediction and label agree." in page
    assert run("predict", tmp_path / "run").stdout == (tmp_path / "run" / "labels.csv").read_text()
    assert "listened to" in run("explain", tmp_path / "run", "--node", "m03").stdout


def test_explain(club, tmp_path):
    done = run("explain", club.run, "--node", 8, "--out", tmp_path / "node8.html")
    assert done.exit_code == 0, done.output
    assert "listened to" in done.stdout and "Without the 3 edges" in done.stdout
    assert "<title>8: predicted" in (tmp_path / "node8.html").read_text()
    said = json.loads(run("explain", club.run, "--node", 8, "--json").stdout)
    assert said["node"] == "8" and said["actual"] == "Mr. Hi"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nodes.csv"], "nodes.csv is a table of nodes; give the table of edges after it"),
        (["--target", "x"], "no network: give a table of nodes and one of edges, or --graph"),
        (
            ["--graph", "{graph}", "--out", "new"],
            "--target is needed: the column of the labels; the columns are 'club'",
        ),
        (["--graph", "{graph}", "--target", "clubb", "--out", "new"], "did you mean 'club'?"),
        (["--graph", "{graph}", "--target", "club", "--out", "{run}"], "holds a run already; --overwrite replaces it"),
        (["--graph", "{graph}", "--target", "club", "--out", "{folder}"], "holds other files"),
        (
            ["--graph", "{graph}", "--target", "club", "--out", "n", "--preset", "slow"],
            "preset must be search or one of",
        ),
        (["--graph", "{graph}", "--target", "club", "--out", "n", "--split", "odd"], "split must be one of"),
        (["predict", "nowhere"], "nowhere does not exist; give the --out directory of graphattn label"),
        (["predict", "{run}", "nodes.csv"], "give the table of edges after it"),
        (["explain", "{run}", "--node", "99"], "the network has no node '99'"),
        (["explain", "{run}", "--node", "8", "--out", "x.gif"], "a picture's name must end in"),
    ],
)
def test_refusals(club, arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = {"graph": club.graph, "run": club.run, "folder": club.folder}
    done = run(*(argument.format(**places) for argument in arguments))
    assert done.exit_code == 2, done.output
    lines = done.stderr.strip().splitlines()
    assert lines[-1].startswith("Error: ") and sentence in lines[-1]
    assert not list(tmp_path.iterdir())
