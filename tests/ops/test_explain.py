"""What is said of the backend of a call: a record of one, and records of all calls inside a block."""

import pytest
import torch

import graphattn as ga

N, H, D = 5, 3, 7


def edges():
    return ga.Graph(torch.tensor([[0, 1, 3], [1, 2, 4]]), N)


def test_an_explanation_reads_as_text(no_numba):
    x = torch.zeros(N, H, D)
    assert str(ga.explain_backend(x, x, x, edges())) == (
        "backend: reference (plain torch, which serves every call and forms tensors of E·H·D numbers)\n"
        "  forward: 252 floating-point operations, 3,192 bytes read and written\n"
        "  not dense: the graph is not known to be complete, causal or bipartite\n"
        "  not block: the graph is not known to be a window or a grid\n"
        '  not linear: it computes score="dot" with normalize="linear" only\n'
        "  not parts: the graph is neither a union nor a batch of several kinds\n"
        "  not numba: Numba is not installed\n"
        "  not triton: the tensors are on cpu, not on a GPU"
    )


def test_calls_inside_a_layer_are_explained():
    pytest.importorskip("numba")
    layer, x = ga.nn.MultiheadAttention(8, 2), torch.randn(N, 8)
    with ga.explain_calls() as outer:
        layer(x, ga.complete(N))
        with ga.explain_calls() as inner:
            layer(x, edges(), edge_bias=torch.zeros(edges().num_edges, 2))
    layer(x, edges())
    assert [call.backend for call in outer] == ["dense", "numba"]
    assert inner == outer[1:]
    assert "dense" in inner[0].rejected


def test_what_is_explained_is_each_call_that_runs_in_turn():
    pytest.importorskip("numba")
    x = torch.rand(N, 2, 4)
    with ga.explain_calls() as calls:
        ga.attention(x, x, x, edges(), normalize="linear")
    assert [call.backend for call in calls] == ["linear", "numba"]
