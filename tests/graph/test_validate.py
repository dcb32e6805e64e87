import pytest
import torch

from graphattn.graph import Graph
from graphattn.testing import zoo


@pytest.mark.parametrize("name", zoo())
def test_good_graphs(name):
    graph = zoo()[name]
    graph.validate()
    assert graph._csr is None or graph._csc is None  # nothing was derived for the check
    _ = graph.csc, graph.edge_index
    graph.validate()


@pytest.fixture
def graph():
    graph = Graph(torch.tensor([[4, 0, 2, 0, 4], [1, 3, 1, 0, 1]]), 5)
    _ = graph.csc
    return graph


def with_entry(tensor, position, value):
    changed = tensor.clone()
    changed[position] = value
    return changed


@pytest.mark.parametrize(
    ("form", "field", "change", "message"),
    [
        ("csr", "indptr", lambda t: t[:-1], r"csr.indptr must have shape \[6\], not \[5\]"),
        ("csr", "indptr", lambda t: t.long(), "csr.indptr must be torch.int32, not torch.int64"),
        ("csr", "indptr", lambda t: with_entry(t, 1, 4).roll(0), "edge_index's destinations"),
        ("csr", "indptr", lambda t: with_entry(t, 2, 0), "csr.indptr must rise from 0 to 5"),
        ("csr", "indptr", lambda t: with_entry(t, -1, 6), "csr.indptr must rise from 0 to 5"),
        ("csr", "indices", lambda t: with_entry(t, 0, 5), "csr.indices must hold nodes from 0 to 4"),
        ("csr", "indices", lambda t: with_entry(t, 0, -1), "csr.indices must hold nodes from 0 to 4"),
        ("csr", "indices", lambda t: with_entry(t, 0, 1), "csr.indices must be the sources of edge_index"),
        ("csr", "perm", lambda t: with_entry(t, 0, 4), "csr.perm must hold each edge once"),
        ("csr", "perm", lambda t: None, "csr.indices must be the sources of edge_index"),
        ("csc", "indptr", lambda t: with_entry(t, 1, 1), "csc.indptr must count the sources in csr"),
        ("csc", "indices", lambda t: with_entry(t, 0, 1), "csc.indices must be the destinations in csr"),
        ("csc", "indices", lambda t: t[1:], r"csc.indices must have shape \[5\], not \[4\]"),
        ("csc", "perm", lambda t: t.flip(0), "csc.indices must be the destinations in csr"),
        ("csc", "perm", lambda t: None, "csc.perm must be there"),
    ],
)
def test_broken_arrays_are_found(graph, form, field, change, message):
    arrays = getattr(graph, form)
    setattr(graph, f"_{form}", arrays._replace(**{field: change(getattr(arrays, field))}))
    with pytest.raises(ValueError, match=f"the graph is broken: .*{message}"):
        graph.validate()


def test_changed_edges_are_found(graph):
    graph.edge_index[0, 0] = 7
    with pytest.raises(ValueError, match=r"edge_index\[0\] must hold nodes from 0 to 4"):
        graph.validate()
    graph.edge_index[0, 0] = 3
    with pytest.raises(ValueError, match=r"csr.indices must be the sources of edge_index"):
        graph.validate()


def test_wrong_count_is_found(graph):
    graph._edge_index = graph.edge_index[:, :3]
    with pytest.raises(ValueError, match="edge_index must have 5 edges"):
        graph.validate()
