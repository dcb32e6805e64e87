"""Compiled code for lists of edges finds what plain PyTorch finds."""

import pytest
import torch

import graphattn as ga
from graphattn.graph import native

pytest.importorskip("numba")

from graphattn.ops.numba.lists import NATIVE

LAYOUTS = {
    "rows": lambda edges: edges,
    "columns": lambda edges: edges.t().contiguous().t(),
    "every other": lambda edges: edges.repeat_interleave(2, dim=1)[:, ::2],
    "by destination": lambda edges: edges[:, edges[1].argsort(stable=True)],
}


def found(edges, graph, code, monkeypatch):
    monkeypatch.setattr(native, "_native", code)
    made = ga.Graph(edges, num_dst=graph.num_dst, num_src=graph.num_src)
    looped, kept = made.add_self_loops()
    return [*made.csr, *made.csc, looped.edge_index, kept, *looped.csr, *looped.csc]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ga.testing.zoo())
def test_the_same_as_plain_pytorch(name, layout, monkeypatch):
    graph = ga.testing.zoo()[name]
    edges = LAYOUTS[layout](graph.edge_index)
    for mine, plain in zip(*(found(edges, graph, code, monkeypatch) for code in (NATIVE, None)), strict=True):
        assert (mine is None) == (plain is None)
        if mine is not None:
            assert mine.dtype == plain.dtype
            assert torch.equal(mine, plain)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_both_index_dtypes(dtype):
    edges = torch.tensor([[4, 0, 2, 0], [1, 0, 1, 0]])
    csr = NATIVE.by_destination(edges, 2, 5, dtype)
    csc = NATIVE.by_source(csr, 5)
    assert [x.tolist() for x in csr] == [[0, 2, 4], [0, 0, 4, 2], [1, 3, 0, 2]]
    assert [x.tolist() for x in csc] == [[0, 2, 2, 3, 3, 4], [0, 0, 1, 1], [0, 1, 3, 2]]
    assert {x.dtype for x in (*csr, *csc)} == {dtype}


@pytest.mark.parametrize("node", [-1, 3, 2**40])
@pytest.mark.parametrize("end", [0, 1])
def test_a_node_written_into_the_edges_later_is_an_error(node, end, monkeypatch):
    monkeypatch.setattr(native, "_native", NATIVE)
    edges = torch.tensor([[0, 1], [1, 2]])
    graph = ga.Graph(edges, 3)
    edges[end, 0] = node
    with pytest.raises(ValueError, match="a node outside the graph"):
        graph.csr  # noqa: B018


def test_a_foreign_default_device_changes_nothing(monkeypatch):
    monkeypatch.setattr(native, "_native", NATIVE)
    edges = torch.tensor([[0, 1], [1, 2]])
    with torch.device("meta"):
        graph = ga.Graph(edges, 3)
        assert {x.device.type for x in (*graph.csr, *graph.csc, *graph.add_self_loops()[0].csr) if x is not None} == {
            "cpu"
        }
