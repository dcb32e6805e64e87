"""The benchmark of whole layers: both contenders compute the same, and its figures add up."""

import json

import pytest
import torch
from typer.testing import CliRunner

from graphattn.bench import layers
from graphattn.bench.goals import layer_goals
from graphattn.bench.layer_report import FLOOR, TRAINING, LayerCase, LayerReport, LayerResult
from graphattn.bench.layers import LAYER_GRAPHS
from graphattn.bench.measure import Timing
from graphattn.bench.peak import Memory
from graphattn.cli.main import app

pytest.importorskip("torch_geometric")
pytest.importorskip("numba")


@pytest.mark.parametrize("layer", [*layers.LAYERS, TRAINING])
def test_contenders_compute_the_same(layer, monkeypatch):
    if layer == TRAINING:  # whose dropout draws other masks
        monkeypatch.setattr(torch.nn.functional, "dropout", lambda x, *args, **kwargs: x)
    graph = LAYER_GRAPHS["cora"].build()
    calls = [layers.prepare(LayerCase("cora", layer), graph, contender, "cpu") for contender in ("graphattn", "PyG")]
    first = [step.call() for step in calls]
    torch.testing.assert_close(*first, rtol=0.05 if layer == TRAINING else 1e-3, atol=0.1)


def test_the_sampled_batch():
    graph = LAYER_GRAPHS["reddit-sample"].build()
    degree = graph.in_degree
    assert degree[:1_024].unique().tolist() == [35]
    assert degree[1_024 : 1_024 * 26].unique().tolist() == [10]
    assert not degree[1_024 * 26 :].any()


@pytest.mark.parametrize(("layer", "maps"), [("GAT", 1), ("GATv2", 2), ("Transformer, edge features", 4)])
def test_the_floor_is_the_linear_maps_alone(layer, maps, monkeypatch):
    products = []
    linear = torch.nn.functional.linear
    monkeypatch.setattr(torch.nn.functional, "linear", lambda x, *rest: products.append(x.shape) or linear(x, *rest))
    graph = LAYER_GRAPHS["cora"].build()
    step = layers.prepare(LayerCase("cora", layer), graph, FLOOR, "cpu")
    assert step.call().shape == (graph.num_nodes, layers.HEADS * layers.WIDTH)
    assert products == maps * [(graph.num_nodes, layers.FEATURES)]
    outputs = [tensor for tensor in step.results if tensor.shape == (graph.num_nodes, layers.FEATURES)]
    assert len(outputs) == maps + 1  # and the gradient of x


def test_who_takes_part():
    assert layers.contenders(LayerCase("cora", "GAT")) == ["graphattn", "PyG", FLOOR]
    assert layers.contenders(LayerCase("cora", TRAINING)) == ["graphattn", "PyG"]


def test_figures(tmp_path):
    def result(case, contender, seconds, memory):
        return LayerResult(case, contender, Timing(seconds, seconds, seconds, 10_000), Memory(memory, 0, 0))

    first, second, step = (LayerCase("cora", layer) for layer in ("GAT", "GATv2", TRAINING))
    report = LayerReport({}, [
        result(first, "graphattn", 1.0, 10_000), result(first, "PyG", 2.0, 90_000),
        result(second, "graphattn", 1.0, 10_000), result(second, "PyG", 8.0, 10_000),
        result(step, "graphattn", 1.0, 10_000), result(step, "PyG", 100.0, 10_000),
        result(first, FLOOR, 0.5, 10_000), result(LayerCase("pubmed", "GAT"), "graphattn", 1.2, 10_000),
        result(LayerCase("pubmed", "GAT"), FLOOR, 1.0, 10_000),
        LayerResult(LayerCase("pubmed", "GAT"), "PyG", note="killed"),
    ])  # fmt: skip
    assert report.multiples("both") == {first: 2.0, second: 8.0, step: 100.0}
    assert report.mean("both") == pytest.approx(4.0)
    assert report.mean("memory") == pytest.approx(3.0)
    assert report.mean("scratch") == pytest.approx(3.0)
    assert report.beside_floor() == {first: 2.0, LayerCase("pubmed", "GAT"): 1.2}
    assert [(goal.measured, goal.reached) for goal in layer_goals(report)] == [
        ("4.0 ×", False), ("2.0 × (cora, GAT)", True), ("1.20 × (pubmed, GAT)", True), ("2.00 × (cora, GAT)", False),
    ]  # fmt: skip
    assert layer_goals(LayerReport({})) == []
    path = tmp_path / "layers.json"
    path.write_text(report.to_json(), encoding="utf-8")
    assert LayerReport.load(path) == report
    content = json.loads(report.to_json())
    assert content["results"][0]["both"]["median"] == 1.0
    assert content["results"][-1]["note"] == "killed"


def test_the_command(monkeypatch, tmp_path):
    monkeypatch.setattr(layers, "QUICK", [LayerCase("cora", "GAT")])
    out = tmp_path / "layers.json"
    done = CliRunner().invoke(app, ["bench", "layers", "--quick", "--seconds", "0", "--json", str(out)])
    assert done.exit_code == 0, done.output
    assert "Geometric mean over layers" in done.output
    (row,) = (line for line in done.output.splitlines() if "│ GAT" in line)  # which did not wrap
    assert row.count("│") == 20
    results = json.loads(out.read_text())["results"]
    assert [each["contender"] for each in results] == ["graphattn", "PyG", FLOOR]
    assert all(each["both"]["median"] > 0 and each["note"] is None for each in results)
