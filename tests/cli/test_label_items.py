"""`graphattn label --task link` and `--task graph`: from tables to answers, and their models on new ones."""

import csv
import json

import networkx as nx
import pandas as pd
import pytest

from graphattn.cli.errors import USER_ERROR


def write(path, header, rows):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def clubs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clubs")
    graph = nx.karate_club_graph()
    nodes = write(folder / "nodes.csv", ["id", "club"], [(f"m{n}", graph.nodes[n]["club"]) for n in graph])
    edges = write(folder / "edges.csv", ["source", "target"], [(f"m{a}", f"m{b}") for a, b in graph.edges])
    return nodes, edges


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """Rings and stars of five to nine nodes."""
    folder = tmp_path_factory.mktemp("shapes")
    nodes, edges = [], []
    for number in range(40):
        size, ring = 5 + number % 5, number % 2 == 0
        names = [f"{number}-{place}" for place in range(size)]
        nodes += [(name, number, "ring" if ring else "star") for name in names]
        edges += [(names[place if ring else 0], names[(place + 1) % size]) for place in range(size - (not ring))]
    return (
        write(folder / "nodes.csv", ["id", "graph_id", "kind"], nodes),
        write(folder / "edges.csv", ["source", "target"], edges),
    )


def test_links(clubs, invoke, tmp_path):
    run = tmp_path / "run"
    result = invoke("label", *clubs, "--task", "link", "--preset", "fast", "--out", run)
    assert result.exit_code == 0, result.stderr
    assert "Adamic" in result.stdout and "MRR" in result.stdout
    measured = json.loads((run / "metrics.json").read_text())
    assert measured and (run / "report.html").exists()
    assert "<script src" not in (run / "report.html").read_text()
    pairs = write(tmp_path / "pairs.csv", ["source", "target"], [("m0", "m33"), ("m1", "m2"), ("m99", "m1")])
    out = tmp_path / "links.csv"
    result = invoke("label", "predict", run, "--pairs", pairs, "--out", out)
    assert result.exit_code == 0, result.stderr
    table = pd.read_csv(out)
    assert table[["source", "target"]].to_numpy().tolist() == [["m0", "m33"], ["m1", "m2"]]
    assert table["linked_probability"].between(0, 1).all() and table["linked_already"].tolist() == [False, True]
    assert "no node of the network has the id 'm99'" in result.stderr


def test_graphs(shapes, invoke, tmp_path):
    run = tmp_path / "run"
    result = invoke("label", *shapes, "--task", "graph", "--target", "kind", "--preset", "fast", "--out", run)
    assert result.exit_code == 0, result.stderr
    labels = pd.read_csv(run / "labels.csv")
    assert len(labels) == 40 and labels["kind_confidence"].between(0, 1).all()
    assert (labels["kind_predicted"] == labels["kind"]).mean() > 0.9  # rings and stars are easy
    out = tmp_path / "again.csv"
    result = invoke("label", "predict", run, *shapes, "--out", out)
    assert result.exit_code == 0, result.stderr
    again = pd.read_csv(out)
    assert again["kind_predicted"].tolist() == labels["kind_predicted"].tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--task", "graph", "--target", "club"], "graph"), (["--task", "pair", "--target", "club"], "task")],
)
def test_what_cannot_be_done(clubs, invoke, tmp_path, arguments, message):
    result = invoke("label", *clubs, *arguments, "--preset", "fast", "--out", tmp_path / "run")
    assert result.exit_code == USER_ERROR and message in result.stderr
