"""Calls that ask for the GPU kernels by name, or get them."""

import pytest
import torch
from ops.passed_over import pass_over

import graphattn as ga
from graphattn.ops import loading
from graphattn.ops.triton import backend

GRAPH = ga.Graph(torch.tensor([[0, 1, 3], [1, 2, 4]]), 5)
X = torch.ones(5, 3, 7)


def test_the_kernels_run(monkeypatch):
    from graphattn.ops.triton import attend

    started = []
    launch = attend.launch
    monkeypatch.setattr(attend, "launch", lambda kernel, *rest, **more: (started.append(kernel.fn.__name__),
                                                                         launch(kernel, *rest, **more)))  # fmt: skip
    out = ga.attention(X, X, X, GRAPH, backend="triton")
    assert started == ["attend_fwd_kernel"]
    assert torch.equal(out, ga.attention(X, X, X, GRAPH, backend="reference"))


def test_not_for_the_cpu(monkeypatch):
    monkeypatch.setattr(backend, "DEVICES", ("cuda",))
    with pytest.raises(ValueError, match="backend='triton' cannot run this call: the tensors are on cpu, not on a GPU"):
        ga.attention(X, X, X, GRAPH, backend="triton")


def test_what_is_not_fused():
    with pytest.raises(ValueError, match='normalize="sparsemax" is not fused'):
        ga.attention(X, X, X, GRAPH, normalize="sparsemax", backend="triton")


def test_not_with_an_old_triton(monkeypatch):
    import triton

    monkeypatch.setattr(triton, "__version__", "3.4.0")
    monkeypatch.setattr(loading, "_problems", {})
    with pytest.raises(ValueError, match=r"cannot run this call: Triton cannot be loaded \(Triton 3\.4\.0 is older"):
        ga.attention(X, X, X, GRAPH, backend="triton")


def test_where_triton_is_missing_the_reference_runs_and_says_so_once(monkeypatch):
    monkeypatch.setattr(loading, "_problems", {"triton": "Triton is not installed"})
    monkeypatch.setattr(loading, "_warned", False)
    pass_over(monkeypatch, "numba")
    with pytest.warns(RuntimeWarning, match="attention on the GPU runs on the reference path") as caught:
        for _ in range(2):
            ga.attention(X, X, X, GRAPH)
    assert len(caught) == 1
