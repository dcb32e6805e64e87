"""Models with PyG's import and with ours: the same loss curve."""

import pytest

pytest.importorskip("torch_geometric")


@pytest.fixture(autouse=True)
def folder_of_examples(monkeypatch, example):
    from pathlib import Path

    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "examples")


def assert_same_curve(runs, steps):
    theirs, ours = runs["torch_geometric.nn"], runs["graphattn.nn"]
    assert len(ours.losses) == steps
    assert ours.losses == pytest.approx(theirs.losses, rel=1e-2, abs=1e-3)
    assert ours.losses[-1] < ours.losses[0]
    assert ours.seconds > 0


@pytest.mark.parametrize("name", ["molecule_transformer", "molecule_gps"])
def test_molecules(example, name, capsys):
    pytest.importorskip("rdkit")
    assert_same_curve(example(name).main(steps=5, count=40), 5)
    assert "largest difference between the two loss curves" in capsys.readouterr().out


def test_citations(example, benchmark_data):
    if not (benchmark_data / "planetoid" / "ind.cora.graph").exists():
        pytest.skip("no planetoid/ind.cora.* among the benchmark data")
    module = example("citation_gat")
    assert_same_curve(module.main(benchmark_data, steps=5), 5)
    data = module.cora(benchmark_data)
    assert (data.num_nodes, data.num_edges, data.num_features) == (2708, 10556, 1433)
    assert [int(mask.sum()) for mask in (data.train_mask, data.val_mask, data.test_mask)] == [140, 500, 1000]
