"""Large complete graphs, some destinations at a time: the same answer, and never all edges at once."""

from dataclasses import replace

import pytest
import torch

import graphattn as ga
from graphattn.graph import Graph
from graphattn.ops import dispatch, fallbacks
from graphattn.ops.arguments import prepare
from graphattn.ops.backend import INDEX_BYTES
from graphattn.ops.numba.backend import NUMBA
from graphattn.ops.reference.backend import REFERENCE

GRAPHS = {
    "complete": ga.complete([5, 0, 7]),
    "causal": ga.causal([5, 0, 7]),
    "bipartite": ga.bipartite([3, 5, 2], [7, 0, 4]),
}
OPTIONS = {
    "relu": {"normalize": "relu"},
    "additive": {"score": ga.scores.Additive(torch.ones(2, 3, dtype=torch.float64, requires_grad=True))},
    "sparsemax": {"normalize": "sparsemax"},
    "state": {"return_state": True},
    "dropout": {"normalize": "relu", "dropout": 0.4},
}


def run(graph, options, backend, attend=None):
    torch.manual_seed(5)
    drawn = torch.Generator().manual_seed(0)
    shapes = (graph.num_dst, 2, 3), (graph.num_src, 2, 3), (graph.num_src, 2, 5), (graph.num_edges, 2)
    leaves = [torch.randn(shape, generator=drawn, dtype=torch.float64).requires_grad_() for shape in shapes]
    if attend is None:
        out = ga.attention(*leaves[:3], graph, edge_bias=leaves[3], backend=backend, **options)
    else:
        out = attend(prepare(*leaves[:3], graph, edge_bias=leaves[3], **options))
    out = [x.masked_fill(x == -torch.inf, 0) for x in (out if isinstance(out, tuple) else (out,))]
    loss = sum((x * torch.arange(x.numel()).view_as(x).cos()).sum() for x in out)
    return [*(x.detach() for x in out), *torch.autograd.grad(loss, leaves)]


@pytest.mark.parametrize("backend", ["numba", "reference"])
@pytest.mark.parametrize("case", OPTIONS)
@pytest.mark.parametrize("name", GRAPHS)
def test_the_answer_is_that_of_all_edges_at_once(name, case, backend, monkeypatch):
    if backend == "numba" and case == "sparsemax":
        backend = "auto"
    if backend == "numba":
        pytest.importorskip("numba")
    want = run(GRAPHS[name], OPTIONS[case], "reference")
    monkeypatch.setattr(fallbacks, "BUDGET", 200)
    for found, other in zip(run(GRAPHS[name], OPTIONS[case], backend), want, strict=True):
        torch.testing.assert_close(found, other)


@pytest.mark.parametrize("backend", ["numba", "reference"])
@pytest.mark.parametrize("case", [case for case in OPTIONS if case not in ("sparsemax", "dropout")])
@pytest.mark.parametrize("name", ["unsorted", "more_sources", "hub", "isolated_nodes", "no_edges"])
def test_a_graph_that_has_its_edges_can_be_cut_too(name, case, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    graph, made = ga.testing.zoo()[name], []
    whole = NUMBA if backend == "numba" else REFERENCE

    def run_and_note(call, attend):
        made.append(call.graph.num_dst)
        return whole.run(call, attend)

    def in_chunks(call):
        return fallbacks.run_in_chunks(call, replace(whole, run=run_and_note), dispatch.run)

    want, found = (run(graph, OPTIONS[case], backend, attend) for attend in (None, in_chunks))
    assert sum(made) == 2 * graph.num_dst  # forward, and again for the backward pass
    assert graph.num_edges == 0 or len(made) > 2
    for ours, theirs in zip(found, want, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("backend", ["numba", "reference"])
@pytest.mark.parametrize("case", ["relu", "additive", "state"])
def test_second_derivatives_go_through_the_parts(case, backend, monkeypatch):
    if backend == "numba":
        pytest.importorskip("numba")

    def forces(name):
        drawn = torch.Generator().manual_seed(0)
        shapes = (17, 2, 3), (11, 2, 3), (11, 2, 5)
        leaves = [torch.randn(shape, generator=drawn, dtype=torch.float64).requires_grad_() for shape in shapes]
        graph = ga.bipartite([10, 7], [7, 4])
        out = ga.attention(*leaves, graph, backend=name, **OPTIONS[case])
        loss = sum(x.square().sum() for x in (out if isinstance(out, tuple) else (out,)))
        first = torch.autograd.grad(loss, leaves, create_graph=True)
        return [*first, *torch.autograd.grad(sum(x.sin().sum() for x in first), leaves)]

    want = forces("reference")
    monkeypatch.setattr(fallbacks, "BUDGET", 200)
    for found, other in zip(forces(backend), want, strict=True):
        torch.testing.assert_close(found, other)


def test_the_edges_are_never_there_at_once(monkeypatch):
    made = []
    build = Graph._set
    monkeypatch.setattr(Graph, "_set", lambda self, *sizes: (made.append(sizes[2]), build(self, *sizes))[1])
    monkeypatch.setattr(fallbacks, "BUDGET", 2**14)
    graph = ga.complete(100)
    made.clear()
    q = torch.randn(100, 1, 4, requires_grad=True)
    ga.attention(q, q, q, graph, normalize="relu").sum().backward()
    assert graph._csr is None
    assert 0 < max(made) <= 2**14 / INDEX_BYTES


def test_what_is_not_cut():
    q = torch.zeros(9000, 1, 1)
    assert fallbacks.needs_chunks(prepare(q, q, q, ga.complete(9000), normalize="relu"), NUMBA)
    assert not fallbacks.needs_chunks(prepare(q, q, q, ga.complete(9000), return_weights=True), NUMBA)
    assert not fallbacks.can_chunk(prepare(q, q, q, ga.complete(9000), dropout=0.5))
    beta = torch.ones(81, 1)
    assert not fallbacks.can_chunk(prepare(q[:9], q[:9], q[:9], ga.complete(9), score=ga.scores.Cosine(beta)))
    assert not fallbacks.needs_chunks(prepare(q, q, q, ga.window(9000, 1), normalize="relu"), NUMBA)
    assert not fallbacks.needs_chunks(prepare(q[:90], q[:90], q[:90], ga.complete(90), normalize="relu"), NUMBA)
