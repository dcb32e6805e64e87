"""Unions and mixed batches, part by part: against the reference on all their edges."""

import pytest
import torch
from tiled_cases import results

import graphattn as ga

HUB = ga.Graph(torch.tensor([[0] * 39 + list(range(39)), list(range(39)) + [0] * 39]), 39)
GRAPHS = {
    "a window and edges": ga.union(ga.window(39, 3), HUB),
    "edges that overlap are added": ga.union(ga.window(39, 3), HUB, overlap="add"),
    "edges first": ga.union(HUB, ga.window(39, 3)),
    "two windows": ga.union(ga.window(39, 3), ga.window(39, 2, dilation=5)),
    "two windows added": ga.union(ga.window(39, 3), ga.window(39, 2, dilation=5), overlap="add"),
    "one within the other": ga.union(ga.complete(39), HUB),
    "one part": ga.union(ga.window(39, 3)),
    "three parts": ga.union(HUB, ga.window(39, 3, causal=True), ga.Graph(torch.tensor([[3, 3], [30, 30]]), 39)),
    "batch": ga.batch([ga.window(7, 2), ga.Graph(torch.tensor([[0, 1], [1, 1]]), 5), ga.complete(3), ga.causal(0)]),
    "batch of a union": ga.batch(
        [ga.union(ga.window(5, 1), ga.Graph(torch.tensor([[0], [4]]), 5)), ga.bipartite(3, 7)]
    ),
}


@pytest.mark.parametrize("bias", [None, "bias", "hidden"])
@pytest.mark.parametrize("heads", [(6, 2, 5, 7), (2, 2, 7, 3)])
@pytest.mark.parametrize("name", GRAPHS)
def test_states_and_gradients_of_the_reference(name, heads, bias):
    graph = GRAPHS[name]
    found, want = (results(graph, heads, backend=each, bias=bias) for each in ("parts", "reference"))
    for mine, other in zip(found, want, strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("name", GRAPHS)
def test_edge_keys_and_values(name):
    graph = GRAPHS[name]
    drawn = torch.Generator().manual_seed(0)
    shapes = (graph.num_dst, 2, 5), (graph.num_src, 2, 5), (graph.num_src, 2, 3)
    q, k, v = (torch.randn(shape, generator=drawn, dtype=torch.float64) for shape in shapes)
    key, value = (torch.randn(graph.num_edges, 2, width, generator=drawn, dtype=torch.float64) for width in (5, 3))
    found, want = (
        ga.attention(q, k, v, graph, edge_key=key, edge_value=value, backend=name) for name in ("parts", "reference")
    )
    torch.testing.assert_close(found, want)


def test_weights_of_a_batch():
    graph = GRAPHS["batch"]
    q = torch.randn(graph.num_nodes, 2, 3)
    found, want = (
        ga.attention(q, q, q, graph, normalize="sigmoid", return_weights=True, backend=name)
        for name in ("parts", "reference")
    )
    for mine, other in zip(found, want, strict=True):
        torch.testing.assert_close(mine, other)


def test_each_part_runs_on_its_own_path():
    pytest.importorskip("numba")
    n = 2000
    graph = ga.union(ga.window(n, 128), ga.Graph(torch.tensor([[0], [n - 1]]), n))
    q = torch.randn(n, 1, 8)
    with ga.explain_calls() as calls:
        ga.attention(q, q, q, graph)
    assert [call.backend for call in calls] == ["parts", "block", "numba"]


def test_parts_that_are_all_passes_over_edges_are_one(monkeypatch):
    pytest.importorskip("numba")
    n = 2000
    near = ga.union(ga.window(n, 3), ga.hub(n, 10))
    q = torch.zeros(n, 1, 8)
    found = ga.explain_backend(q, q, q, near)
    assert (found.backend, found.rejected["parts"]) == ("numba", "each of its parts would be a pass over edges")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_precision(dtype):
    graph = GRAPHS["a window and edges"]
    found, plain = (results(graph, (4, 2, 8, 8), backend=each, dtype=dtype) for each in ("parts", "reference"))
    exact = results(graph, (4, 2, 8, 8), backend="reference")
    for mine, theirs, want in zip(found, plain, exact, strict=True):
        error, allowed = ((tensor.double() - want).abs().max() for tensor in (mine, theirs))
        assert error <= 4 * allowed + 1e-6


def test_an_output_changed_in_place_is_noticed():
    graph = GRAPHS["a window and edges"]
    q = torch.randn(39, 2, 3, requires_grad=True)
    out = ga.attention(q, q, q, graph, backend="parts")
    out.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


def test_the_backward_pass_comes_again():
    q = torch.randn(39, 1, 3, dtype=torch.float64, requires_grad=True)
    out = ga.attention(q, q, q, GRAPHS["a window and edges"], backend="parts")
    first, second = (torch.autograd.grad((out**2).sum(), q, retain_graph=True)[0] for _ in range(2))
    torch.testing.assert_close(first, second, rtol=0, atol=0)


REFUSED = {
    "edges": ({"graph": HUB}, "the graph is neither a union nor a batch of several kinds"),
    "only edges": ({"graph": ga.union(HUB, HUB)}, "none of its parts is given by a rule, so there are only edges"),
    "dropout": ({"dropout": 0.5}, "its dropout would not draw the mask of the other backends"),
    "normalizer": ({"normalize": "relu"}, 'of unions it merges states, so normalize="softmax" only, without weights'),
    "weights": ({"return_weights": True}, 'of unions it merges states, so normalize="softmax" only, without weights'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case):
    options, why = REFUSED[case]
    q = torch.zeros(39, 1, 3)
    with pytest.raises(ValueError) as raised:
        ga.attention(q, q, q, backend="parts", **{"graph": GRAPHS["a window and edges"], **options})
    assert str(raised.value) == f"backend='parts' cannot run this call: {why}"


def test_small_unions_are_one_pass_over_the_edges():
    pytest.importorskip("numba")
    q = torch.zeros(39, 1, 3)
    assert ga.explain_backend(q, q, q, GRAPHS["a window and edges"]).backend == "numba"
