"""Graphs on disk: what is written comes back, mapped into memory, and what is broken is named."""

import json

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphattn.loader import OnDiskGraph


@pytest.fixture
def written(tmp_path):
    data = Data(
        x=torch.randn(5, 3),
        edge_index=torch.tensor([[4, 0, 1, 2], [1, 1, 0, 4]]),
        edge_attr=torch.randn(4, 2),
        train_mask=torch.tensor([True, False, True, False, True]),
    )
    return data, OnDiskGraph.write(data, tmp_path / "graph")


def test_what_is_written_comes_back(written):
    data, graph = written
    again = OnDiskGraph(graph.folder)
    assert (again.num_nodes, again.num_edges) == (5, 4)
    for name in ("x", "edge_attr", "train_mask"):
        assert torch.equal(again.data[name], data[name])
    assert torch.equal(again.graph.edge_index, data.edge_index[:, again.edge_id])


def test_arrays_are_mapped_not_read(written):
    _, graph = written
    assert isinstance(graph.row, np.memmap) and isinstance(graph.colptr, np.memmap)


def test_writing_into_features_leaves_the_files_alone(written):
    data, graph = written
    graph.data.x.zero_()
    assert torch.equal(OnDiskGraph(graph.folder).data.x, data.x)


def test_no_edges(tmp_path):
    data = Data(edge_index=torch.empty(2, 0, dtype=torch.int64), num_nodes=3)
    assert OnDiskGraph.write(data, tmp_path).graph.num_edges == 0


def test_an_existing_graph_is_not_written_over(written):
    data, graph = written
    with pytest.raises(FileExistsError, match="holds a graph already"):
        OnDiskGraph.write(data, graph.folder)


def test_what_is_no_tensor_is_refused(tmp_path):
    data = Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2, name="club")
    with pytest.raises(TypeError, match="'name' is neither"):
        OnDiskGraph.write(data, tmp_path)


def _cut(folder):
    path = folder / "node_x.npy"
    path.write_bytes(path.read_bytes()[:-8])


def _drop(folder):
    (folder / "row.npy").unlink()


def _other(folder):
    np.save(folder / "node_x.npy", np.zeros((4, 3), np.float32))


def _pickle(folder):
    np.save(folder / "node_x.npy", np.array([{}], dtype=object), allow_pickle=True)


def _shorten(folder):
    path = folder / "graph.json"
    path.write_text(path.read_text()[:40])


def _newer(folder):
    path = folder / "graph.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 9}))


def _counts(folder):
    path = folder / "graph.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "num_edges": 9}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_cut, "node_x.npy is damaged or cut short"),
        (_drop, "row.npy is missing"),
        (_other, "node_x.npy has shape"),
        (_pickle, "node_x.npy is damaged"),
        (_shorten, "graph.json is damaged"),
        (_newer, "has format 9"),
        (_counts, "colptr.npy is damaged"),
    ],
)
def test_what_is_broken_is_named(written, damage, message):
    _, graph = written
    damage(graph.folder)
    with pytest.raises(ValueError, match=message):
        OnDiskGraph(graph.folder)


def test_no_graph_in_the_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no graph"):
        OnDiskGraph(tmp_path)
