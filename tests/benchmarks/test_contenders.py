"""Every contender computes the same."""

import functools

import pytest
import torch
from bench_cases import COMPILED, HERE, tiny

from graphattn.bench.case import SCORES, Case
from graphattn.bench.contenders import ALL

pytest.importorskip("numba")


def out_and_grads(contender, case, graph):
    leaves = [tensor.to(HERE).requires_grad_() for tensor in case.leaves(graph)]
    out = contender.prepare(case.score, graph.to(HERE))(*leaves)
    weight = torch.linspace(-1, 1, out.numel(), device=HERE).view_as(out)
    return [out.detach(), *torch.autograd.grad(out, leaves, weight)]


@pytest.mark.parametrize("graph", ["duplicates", "more_sources", "bipartite", "complete", "window"])
@pytest.mark.parametrize("score", SCORES)
def test_contenders_compute_the_same(score, graph):
    case, graph = Case("", score, heads=3, width=5), tiny(graph)
    ours = out_and_grads(ALL["graphattn"], case, graph)
    for contender in ALL.values():
        there = contender.installed and contender.serves(case, graph, HERE)
        if there and contender.name not in {"graphattn", "gather", *COMPILED}:
            for mine, theirs in zip(ours, out_and_grads(contender, case, graph), strict=True):
                torch.testing.assert_close(theirs, mine, msg=lambda text, name=contender.name: f"{name}: {text}")


@pytest.mark.slow
@pytest.mark.parametrize("score", SCORES)
def test_the_compiled_contender_computes_the_same(score):
    case, graph = Case("", score, heads=3, width=5), tiny("duplicates")
    for mine, theirs in zip(
        out_and_grads(ALL["graphattn"], case, graph), out_and_grads(ALL["torch.compile"], case, graph), strict=True
    ):
        torch.testing.assert_close(theirs, mine)


@pytest.mark.parametrize("score", SCORES)
def test_compiled_pyg_computes_the_same(score, monkeypatch):
    pytest.importorskip("torch_geometric")
    torch._dynamo.reset()
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))  # traced, and no more
    case, graph = Case("", score, heads=3, width=5), tiny("duplicates")
    theirs = out_and_grads(ALL["PyG, compiled"], case, graph)
    for mine, other in zip(out_and_grads(ALL["graphattn"], case, graph), theirs, strict=True):
        torch.testing.assert_close(other, mine)


@pytest.mark.slow
@pytest.mark.parametrize("graph", ["complete", "window"])
def test_flex_attention_computes_the_same(graph):
    case, graph = Case("", "dot", heads=3, width=16), tiny(graph)
    inputs = [tensor.to(HERE) for tensor in case.leaves(graph)]
    ours, theirs = (ALL[name].prepare("dot", graph.to(HERE))(*inputs) for name in ("graphattn", "FlexAttention"))
    torch.testing.assert_close(theirs, ours)


def test_gather_fetches_what_the_edges_read():
    graph = tiny("more_sources")
    q, k, v = Case("", "dot", 2, 3).leaves(graph)
    src = graph.edge_index[0]
    for found, wanted in zip(ALL["gather"].prepare("dot", graph)(q, k, v), (k[src], v[src]), strict=True):
        assert torch.equal(found, wanted)
    assert len(ALL["gather"].prepare("additive", graph)(q, k, q[0])) == 1  # keys are values
