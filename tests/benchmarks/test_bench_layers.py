"""The benchmark of whole layers: both contenders compute the same, and its figures add up."""

import json

import pytest
import torch
from typer.testing import CliRunner

from graphattn.bench import layers
from graphattn.bench.layers import CONTENDERS, LAYER_GRAPHS, TRAINING, LayerCase, LayerReport, LayerResult
from graphattn.bench.measure import Timing
from graphattn.cli.main import app

pytest.importorskip("torch_geometric")
pytest.importorskip("numba")


@pytest.mark.parametrize("layer", [*layers.LAYERS, TRAINING])
def test_contenders_compute_the_same(layer, monkeypatch):
    if layer == TRAINING:  # whose dropout draws other masks
        monkeypatch.setattr(torch.nn.functional, "dropout", lambda x, *args, **kwargs: x)
    graph = LAYER_GRAPHS["cora"].build()
    calls = [layers.prepare(LayerCase("cora", layer), graph, contender, "cpu") for contender in CONTENDERS]
    first = [call() for call in calls]
    torch.testing.assert_close(*first, rtol=0.05 if layer == TRAINING else 1e-3, atol=0.1)


def test_the_sampled_batch():
    graph = LAYER_GRAPHS["reddit-sample"].build()
    degree = graph.in_degree
    assert degree[:1_024].unique().tolist() == [35]
    assert degree[1_024 : 1_024 * 26].unique().tolist() == [10]
    assert not degree[1_024 * 26 :].any()


def test_figures():
    def result(case, contender, seconds, memory):
        return LayerResult(case, contender, Timing(seconds, 0.0, 3), memory)

    first, second, step = (LayerCase("cora", layer) for layer in ("GAT", "GATv2", TRAINING))
    report = LayerReport({}, [
        result(first, "graphattn", 1.0, 10), result(first, "PyG", 2.0, 90),
        result(second, "graphattn", 1.0, 10), result(second, "PyG", 8.0, 10),
        result(step, "graphattn", 1.0, 10), result(step, "PyG", 100.0, 10),
        LayerResult(LayerCase("pubmed", "GAT"), "PyG", note="killed"),
    ])  # fmt: skip
    assert report.multiples("time") == {first: 2.0, second: 8.0, step: 100.0}
    assert report.mean("time") == pytest.approx(4.0)
    assert report.mean("memory") == pytest.approx(3.0)
    content = json.loads(report.to_json())
    assert content["results"][0]["both"]["median"] == 1.0
    assert content["results"][-1]["note"] == "killed"


def test_the_command(monkeypatch, tmp_path):
    monkeypatch.setattr(layers, "QUICK", [LayerCase("cora", "GAT")])
    out = tmp_path / "layers.json"
    done = CliRunner().invoke(app, ["bench", "layers", "--quick", "--seconds", "0", "--json", str(out)])
    assert done.exit_code == 0, done.output
    assert "Geometric mean over layers" in done.output
    results = json.loads(out.read_text())["results"]
    assert [each["contender"] for each in results] == ["graphattn", "PyG"]
    assert all(each["both"]["median"] > 0 and each["note"] is None for each in results)
