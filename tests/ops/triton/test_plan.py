import gc
import types
import weakref

import pytest
import torch

import graphattn as ga


def indptr_of(degrees):
    return torch.tensor([0, *torch.tensor(degrees, dtype=torch.int64).cumsum(0).tolist()], dtype=torch.int32)


def edges_of(plan, indptr):
    """The edges that each launch goes over, row by row."""
    for span in plan.spans(indptr):
        for row in range(span.size):
            node = row if span.rows is None else int(span.rows[row])
            at = row if span.pieces else node
            last = span.stops[at] if span.pieces else span.starts[at + 1]
            yield node, range(int(span.starts[at]), int(last))


@pytest.mark.parametrize(
    "degrees",
    [[], [0], [3], [0] * 5, [1, 2, 3, 4, 5, 1000], [513, 0, 7, 512, 40, 1537, 4], [600] * 3, list(range(700, 0, -31))],
    ids=str,
)
def test_every_edge_of_a_row_is_gone_over_once(degrees):
    from graphattn.ops.triton.plan import make_plan

    indptr = indptr_of(degrees)
    found = {}
    for node, edges in edges_of(make_plan(indptr), indptr):
        assert len(edges) <= 512
        found.setdefault(node, []).extend(edges)
    assert found.keys() == set(range(len(degrees)))  # rows without edges are written too
    for node, edges in found.items():
        assert edges == list(range(int(indptr[node]), int(indptr[node + 1])))


def test_bins_by_degree():
    from graphattn.ops.triton.plan import make_plan

    plan = make_plan(indptr_of([5, 0, 512, 4, 33, 32, 513]))
    found = [(some.degree, some.rows.tolist()) for some in plan.bins]
    assert found == [(4, [1, 3]), (32, [0, 5]), (512, [2, 4])]
    assert plan.pieces.hubs.tolist() == [6]


def test_rows_of_one_bin_are_not_listed():
    from graphattn.ops.triton.plan import make_plan

    (some,) = make_plan(indptr_of([1, 2, 0])).bins
    assert (some.rows, some.size) == (None, 3)


def test_long_rows_are_cut_evenly():
    from graphattn.ops.triton.plan import make_plan

    pieces = make_plan(indptr_of([1025, 7, 513])).pieces
    assert (pieces.stops - pieces.starts).tolist() == [341, 342, 342, 256, 257]
    assert pieces.rows.tolist() == [0, 0, 0, 2, 2]
    assert pieces.hubs.tolist() == [0, 2]
    assert pieces.firsts.tolist() == [0, 3, 5]


def test_made_once_for_a_graph_and_kept_with_it(monkeypatch):
    from graphattn.ops.triton import plan

    made = []
    make = plan.make_plan
    monkeypatch.setattr(plan, "make_plan", lambda indptr: made.append(weakref.ref(indptr)) or make(indptr))
    graph = ga.Graph(torch.tensor([[0, 1, 2], [1, 1, 0]]), 3)
    x = torch.ones(3, 1, 2, requires_grad=True)
    for _ in range(3):
        ga.attention(x, x, x, graph, backend="triton").sum().backward()
    assert len(made) == 2  # by destination and by source
    del graph, x
    gc.collect()
    assert [reference() for reference in made] == [None, None]


def test_nothing_is_looked_at_while_a_cuda_graph_is_captured(monkeypatch):
    from graphattn.ops.triton import plan

    class OnGPU(torch.Tensor):
        is_cuda = True

    indptr = indptr_of([600, 2, 0]).as_subclass(OnGPU)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)
    monkeypatch.setattr(plan, "make_plan", None)
    found = plan.plan_of(indptr)
    assert [len(edges) for _, edges in edges_of(found, indptr)] == [600, 2, 0]
    assert plan._plans.find(indptr, None) is None


class OnGPU(torch.Tensor):
    """A tensor that writes down the streams which it is lent to."""

    is_cuda = True

    def record_stream(self, stream):
        self.__dict__.setdefault("lent", []).append(stream.cuda_stream)


def test_each_stream_that_uses_a_plan_is_noted_once(monkeypatch):
    """So that the memory of a graph that is dropped is not given away before its streams are done."""
    from graphattn.ops.triton import streams

    current = types.SimpleNamespace(cuda_stream=1)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: current)
    owner, other = (torch.zeros(3).as_subclass(OnGPU) for _ in range(2))
    for stream in (1, 1, 2, 1, 2):
        current.cuda_stream = stream
        streams.lend(owner, (owner, other, None))
    assert owner.lent == other.lent == [1, 2]


def test_everything_of_a_plan_is_lent(monkeypatch):
    from graphattn.ops.triton import plan

    lent = []
    monkeypatch.setattr(plan, "lend", lambda owner, tensors: lent.extend(tensors))
    indptr = indptr_of([600, 2, 0, 40])
    found = plan.plan_of(indptr, None)
    expected = [indptr, *(some.rows for some in found.bins), *(x for x in found.pieces if isinstance(x, torch.Tensor))]
    assert {id(x) for x in lent} == {id(x) for x in (*expected, None)}


def test_a_plan_is_waited_for(monkeypatch):
    """Another stream may use it next."""
    from graphattn.graph import memo
    from graphattn.ops.triton import plan

    settled = []
    monkeypatch.setattr(memo, "settle", settled.append)
    indptr = indptr_of([3])
    for _ in range(2):
        plan.plan_of(indptr)
    assert settled == [torch.device("cpu")]
