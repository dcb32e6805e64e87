"""Dense rowblocks: found by brute force too, kept with the graph, and no more memory than is said."""

import gc
import weakref

import pytest
import torch
from ops.triton.communities import communities

import graphattn as ga

GRAPHS = {
    "communities": lambda: communities(85, 85, 20, scattered=30),
    "bipartite": lambda: communities(37, 70, 9, scattered=40),
    "scattered": lambda: communities(40, 60, 5, share=0.3, scattered=90),
    "a hub": lambda: ga.testing.zoo()["hub"],
    "twice": lambda: ga.Graph(torch.tensor([[0, 1, 0, 0, 3], [0, 0, 0, 1, 18]]), 20),
    "complete": lambda: ga.complete(33),
}


def forms(graph):
    """Both compressed forms, with the number of columns of each."""
    return {"destinations": (*graph.csr[:2], graph.num_src), "sources": (*graph.csc[:2], graph.num_dst)}


def neighbors(indptr, indices, row):
    return indices[int(indptr[row]) : int(indptr[row + 1])].tolist() if row < len(indptr) - 1 else []


@pytest.mark.parametrize("side", ["destinations", "sources"])
@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("enough", [0, 2, 3.5])
def test_found_by_brute_force(name, side, enough, monkeypatch):
    from graphattn.ops.triton import rowblocks

    monkeypatch.setattr(rowblocks, "ENOUGH", enough)
    monkeypatch.setattr(rowblocks, "SHARE", 0)
    indptr, indices, num_columns = forms(GRAPHS[name]())[side]
    found = rowblocks.find_rowblocks(indptr, indices, num_columns)
    dense = {}
    for rowblock in range(-(-(len(indptr) - 1) // 16)):
        rows = [neighbors(indptr, indices, 16 * rowblock + row) for row in range(16)]
        columns = sorted({column for row in rows for column in row})
        twice = any(len(row) != len(set(row)) for row in rows)
        if columns and not twice and sum(map(len, rows)) >= enough * len(columns):
            dense[rowblock] = rows, columns
    if not dense:
        assert found is None
        return
    assert sorted(found.ids.tolist()) == sorted(dense)
    widths = (found.stops - found.starts).tolist()
    assert widths == sorted(widths, reverse=True)
    for rowblock, start, stop in zip(found.ids.tolist(), found.starts.tolist(), found.stops.tolist(), strict=True):
        rows, columns = dense[rowblock]
        assert found.columns[start:stop].tolist() == columns
        for row in range(16):
            bits = (found.masks[start:stop].int() >> row) & 1
            there = found.columns[start:stop][bits.bool()].tolist()
            assert there == sorted(rows[row])
            for step, column in enumerate(there):
                place = int(indptr[16 * rowblock + row]) + step
                place = place if found.order is None else int(found.order[place])
                assert int(indptr[16 * rowblock + row]) <= place < int(indptr[16 * rowblock + row + 1])
                assert int(indices[place]) == column
    assert found.num_edges == sum(len(row) for rows, _ in dense.values() for row in rows)
    left = {row for span in found.rest.spans(indptr) if span.rows is not None for row in span.rows.tolist()}
    assert left == {row for row in range(len(indptr) - 1) if row // 16 not in dense}


def test_sources_are_sorted_already():
    from graphattn.ops.triton.rowblocks import find_rowblocks

    forms_of = forms(communities(60, 60, 20))
    assert find_rowblocks(*forms_of["destinations"]).order is not None
    assert find_rowblocks(*forms_of["sources"]).order is None


def test_memory_kept():
    """Eight bytes a column, that is half of the edges at most, four an edge of a graph not sorted, 12 a rowblock."""
    from graphattn.ops.triton.rowblocks import ENOUGH, find_rowblocks

    graph = communities(160, 160, 40)
    for side, (indptr, indices, num_columns) in forms(graph).items():
        found = find_rowblocks(indptr, indices, num_columns)
        columns, rowblocks = found.columns.numel(), found.ids.numel()
        assert columns * ENOUGH <= found.num_edges <= graph.num_edges
        order = 4 * graph.num_edges if side == "destinations" else 0
        assert found.nbytes == 8 * columns + 12 * rowblocks + order


def test_no_rowblocks_where_most_edges_lie_outside_of_them():
    from graphattn.ops.triton.rowblocks import find_rowblocks

    dense = ga.complete(32).edge_index
    for length, some in ((1000, True), (1100, False)):
        chain = 32 + torch.arange(length)
        graph = ga.Graph(torch.cat([dense, torch.stack([chain, chain])], dim=1))
        assert (find_rowblocks(*forms(graph)["destinations"]) is not None) == some


def test_too_wide_a_rowblock_is_left_to_rows(monkeypatch):
    from graphattn.ops.triton import rowblocks

    form = forms(ga.complete(48))["destinations"]
    monkeypatch.setattr(rowblocks, "MOST_COLUMNS", 48)
    assert rowblocks.find_rowblocks(*form) is not None
    monkeypatch.setattr(rowblocks, "MOST_COLUMNS", 47)
    assert rowblocks.find_rowblocks(*form) is None


@pytest.mark.parametrize("make", [lambda: ga.complete(17), lambda: ga.Graph(torch.arange(5).expand(2, 5), 5)])
def test_looked_for_once_in_a_graph_and_kept_with_it(make, monkeypatch):
    from graphattn.ops.triton import rowblocks

    looked = []
    find = rowblocks.find_rowblocks
    monkeypatch.setattr(
        rowblocks, "find_rowblocks", lambda indptr, *rest: looked.append(weakref.ref(indptr)) or find(indptr, *rest)
    )
    graph = make()
    x = torch.ones(graph.num_nodes, 1, 2, requires_grad=True)
    for _ in range(3):
        ga.attention(x, x, x, graph, backend="triton").sum().backward()
    assert len(looked) == 2  # by destination and by source
    del graph, x
    gc.collect()
    assert [reference() for reference in looked] == [None, None]


def test_rows_where_there_is_no_memory_to_look_for_rowblocks(monkeypatch, started):
    from graphattn.ops.triton import rowblocks

    def no_memory(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(rowblocks, "find_rowblocks", no_memory)
    x = torch.ones(17, 1, 16)
    out = ga.attention(x, x, x, ga.complete(17), backend="triton")
    assert torch.equal(out, x)
    assert started == ["attend_fwd_kernel"]


def test_nothing_is_looked_at_while_a_cuda_graph_is_captured(monkeypatch):
    from graphattn.graph import memo
    from graphattn.ops.triton import rowblocks

    class OnGPU(torch.Tensor):
        is_cuda = True

    indptr, indices, num_columns = forms(ga.complete(33))["destinations"]
    seen, new = indptr.clone().as_subclass(OnGPU), indptr.clone().as_subclass(OnGPU)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    monkeypatch.setattr(rowblocks, "lend", lambda *_: None)
    monkeypatch.setattr(memo._Kept, "lend", lambda *_: None)  # which asks for streams of a GPU
    before = rowblocks.rowblocks_of(seen, indices, num_columns)
    assert before is not None
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)
    monkeypatch.setattr(rowblocks, "find_rowblocks", None)
    assert rowblocks.rowblocks_of(seen, indices, num_columns) is before
    assert rowblocks.rowblocks_of(new, indices, num_columns) is None
    assert rowblocks._rowblocks.find(new, num_columns) is None
