"""Which backend runs a call, and why not the others."""

import pytest
import torch

import graphattn as ga

N, H, D = 5, 3, 7


def numbers(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def edges():
    return ga.Graph(torch.tensor([[0, 1, 3], [1, 2, 4]]), N)


@pytest.fixture
def x():
    return numbers(N, H, D)


def test_numba_before_the_reference(x):
    pytest.importorskip("numba")
    found = ga.explain_backend(x, x, x, edges())
    assert found.backend == "numba"
    assert list(found.rejected) == ["dense", "block", "linear", "parts"]


NUMBA = {
    **{name: {"normalize": name} for name in ("softmax", "relu", "sigmoid", "identity")},
    "cosine": {"score": ga.scores.Cosine(torch.ones(H))},
    "additive": {"score": ga.scores.Additive(torch.zeros(H, D), "tanh")},
    "edge tensors": {"edge_bias": torch.zeros(3, H), "edge_key": torch.zeros(3, H, D), "edge_value": numbers(3, H, D)},
    "edge features": {"edge_attr": torch.zeros(3, 2), "edge_proj": torch.zeros(2, H, D)},
    "edge features for values": {
        "score": "cosine",
        "edge_attr": torch.zeros(3, 2),
        "edge_proj": (None, torch.zeros(2, H, D)),
    },
    "dropout": {"dropout": 0.5},
    "weights": {"return_weights": True},
    "state": {"return_state": True},
}


@pytest.mark.parametrize("case", NUMBA)
def test_what_numba_covers(x, case):
    pytest.importorskip("numba")
    assert ga.explain_backend(x, x, x, edges(), **NUMBA[case]).backend == "numba"


def test_numba_covers_scores_of_other_shapes(x):
    pytest.importorskip("numba")
    assert ga.explain_backend(x[..., 0], x[..., 0], x, edges(), score="sum").backend == "numba"
    assert ga.explain_backend(None, None, x, edges(), score="none").backend == "numba"


@pytest.mark.parametrize(
    "graph", [ga.complete(N), ga.causal(N), ga.bipartite(N, N)], ids=["complete", "causal", "bipartite"]
)
def test_dense_before_all_others(x, graph):
    found = ga.explain_backend(x, x, x, graph)
    assert (found.backend, found.rejected) == ("dense", {})


def test_by_name():
    x = numbers(N, H, D)
    found = ga.explain_backend(x, x, x, ga.complete(N), backend="reference")
    assert (found.backend, found.reason, found.rejected) == ("reference", "asked for by name", {})


NO_MATRIX = 'it computes score="dot" or "cosine" with normalize="softmax" only'
ONLY_BIAS = "of edge tensors it takes edge_bias only"
NOT_DENSE = {
    "edges": ({"graph": edges()}, "the graph is not known to be complete, causal or bipartite"),
    "window": ({"graph": ga.window(N, radius=N)}, "the graph is not known to be complete, causal or bipartite"),
    "score": ({"score": ga.scores.Additive(torch.ones(H, D))}, NO_MATRIX),
    "normalizer": ({"normalize": "relu"}, NO_MATRIX),
    "beta per edge": (
        {"score": ga.scores.Cosine(torch.ones(N * N, H))},
        "it takes no cosine score with one beta per edge",
    ),
    "edge_value": ({"edge_value": torch.zeros(N * N, H, D)}, ONLY_BIAS),
    "edge_attr": ({"edge_attr": torch.zeros(N * N, 2), "edge_proj": torch.zeros(2, H, D)}, ONLY_BIAS),
    "weights": ({"return_weights": True}, "it gives no weights"),
}


@pytest.mark.parametrize("case", NOT_DENSE)
def test_why_not_dense(x, case):
    options, why = NOT_DENSE[case]
    options = {"graph": ga.complete(N), **options}
    with pytest.raises(ValueError) as raised:
        ga.attention(x, x, x, backend="dense", **options)
    assert str(raised.value) == f"backend='dense' cannot run this call: {why}"
    assert ga.explain_backend(x, x, x, **options).rejected["dense"] == why


EDGE_KEYS = "a cosine score with edge keys is not fused, for each edge has another norm"
NOT_NUMBA = {
    **{name: ({"normalize": name}, f'normalize="{name}" is not fused')
       for name in ("sparsemax", "entmax15", "argmax")},
    "beta per edge": (
        {"score": ga.scores.Cosine(torch.ones(3, H))},
        "a cosine score with one beta per edge is not fused",
    ),
    "edge keys of a cosine": ({"score": "cosine", "edge_key": torch.zeros(3, H, D)}, EDGE_KEYS),
    "projected edge keys of a cosine": (
        {"score": "cosine", "edge_attr": torch.zeros(3, 2), "edge_proj": (torch.zeros(2, H, D), None)},
        EDGE_KEYS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_NUMBA)
def test_why_not_numba(x, case):
    options, why = NOT_NUMBA[case]
    with pytest.raises(ValueError) as raised:
        ga.attention(x, x, x, edges(), backend="numba", **options)
    assert str(raised.value) == f"backend='numba' cannot run this call: {why}"
    found = ga.explain_backend(x, x, x, edges(), **options)
    assert (found.backend, found.rejected["numba"]) == ("reference", why)


def test_numba_runs_on_the_cpu_alone():
    x = torch.zeros(N, H, D, device="meta")
    graph = ga.Graph(torch.tensor([[0], [1]]), N).to("meta")
    assert ga.explain_backend(x, x, x, graph).rejected["numba"] == "the tensors are on meta, not on the CPU"


@pytest.mark.parametrize("run", [ga.attention, ga.explain_backend])
def test_an_unknown_backend(x, run):
    with pytest.raises(ValueError, match=r"backend is .* one of dense, block, .*; got 'sdpa'"):
        run(x, x, x, edges(), backend="sdpa")


def test_many_small_sequences_are_one_pass_over_the_edges():
    pytest.importorskip("numba")
    graph = ga.complete([3, 5, 7])
    q = numbers(15, H, D)
    assert ga.explain_backend(q, q, q, graph).backend == "numba"
    assert "3 sizes" in ga.explain_backend(q, q, q, graph).rejected["dense"]


def test_without_numba_small_sequences_go_by_size(no_numba):
    q = numbers(15, H, D)
    assert ga.explain_backend(q, q, q, ga.complete([3, 5, 7])).backend == "dense"


@pytest.mark.parametrize(("radius", "backend"), [(2, "numba"), (128, "block")])
def test_wide_windows_are_blocks(radius, backend):
    pytest.importorskip("numba")
    q = numbers(1000, 1, D)
    assert ga.explain_backend(q, q, q, ga.window(1000, radius)).backend == backend


def test_wide_kernels_are_blocks():
    pytest.importorskip("numba")
    q = numbers(64 * 64, 1, D)
    assert ga.explain_backend(q, q, q, ga.grid((64, 64), 7)).backend == "numba"
    assert ga.explain_backend(q, q, q, ga.grid((64, 64), 33)).backend == "block"
