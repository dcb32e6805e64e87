"""Attention while PyTorch makes tensors on another device, or of another dtype, than its inputs."""

import contextlib
import os
import subprocess
import sys

import pytest
import torch

import graphattn as ga
from graphattn.ops.dispatch import BACKENDS
from graphattn.testing import zoo


@contextlib.contextmanager
def float64():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


DEFAULTS = pytest.mark.parametrize("default", [lambda: torch.device("meta"), float64], ids=["meta", "float64"])
GRAPHS = zoo()
OPTIONS = {
    "dot": {},
    "weights": {"return_weights": True},
    "state": {"return_state": True},
    "dropout": {"dropout": 0.5},
    "linear": {"normalize": "linear"},
    "sparsemax": {"normalize": "sparsemax"},
    "entmax15": {"normalize": "entmax15"},
    "argmax": {"normalize": "argmax"},
    "relu": {"normalize": "relu"},
    "cosine": {"score": "cosine"},
    "additive": {"score": ga.scores.Additive(torch.linspace(-1, 1, 6).view(2, 3).requires_grad_(), "leaky_relu")},
    "tanh": {"score": ga.scores.Additive(torch.linspace(-1, 1, 6).view(2, 3).requires_grad_(), "tanh")},
    "edge tensors": {"edge_bias": (2,), "edge_key": (2, 3), "edge_value": (2, 5)},
    "edge features": {"edge_attr": (4,), "edge_proj": (torch.ones(4, 2, 3), torch.ones(4, 2, 5))},
}


def results(graph, options, backend):
    """Outputs and gradients, or the name of the error."""
    generator = torch.Generator(device="cpu").manual_seed(0)

    def numbers(*shape):
        drawn = torch.rand(shape, generator=generator, dtype=torch.float32, device="cpu")
        return drawn.requires_grad_()

    q, k, v = numbers(graph.num_dst, 2, 3), numbers(graph.num_src, 2, 3), numbers(graph.num_src, 2, 5)
    options = {
        name: numbers(graph.num_edges, *value) if name.startswith("edge_") and name != "edge_proj" else value
        for name, value in options.items()
    }
    torch.manual_seed(0)
    try:
        out = ga.attention(q, k, v, graph, backend=backend, **options)
    except ValueError as error:
        return str(error)
    outs = [x for x in (out if isinstance(out, tuple) else (out,)) if x.requires_grad]
    finite = sum(x.where(x.isfinite(), 0).sum() for x in outs)
    inputs = [q, k, v, *(x for x in options.values() if isinstance(x, torch.Tensor))]
    grads = torch.autograd.grad(finite, inputs, allow_unused=True) if outs else ()
    return [*(out if isinstance(out, tuple) else (out,)), *grads]


def assert_the_same(name, options, backend, default):
    expected = results(GRAPHS[name], OPTIONS[options], backend)
    with default():
        found = results(zoo_graph(name), OPTIONS[options], backend)
    if isinstance(expected, str):
        assert found == expected
        return
    for one, other in zip(found, expected, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert (one.device, one.dtype) == (other.device, other.dtype)
            torch.testing.assert_close(one, other, equal_nan=True, rtol=0, atol=0)


@DEFAULTS
@pytest.mark.parametrize("name", GRAPHS)
def test_every_graph(name, default):
    assert_the_same(name, "edge tensors", "auto", default)


@DEFAULTS
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("backend", [each.name for each in BACKENDS])
def test_every_backend(backend, options, default):
    for name in _SERVED_BY.get(backend, ("duplicate_edges",)):
        assert_the_same(name, options, backend, default)


_SERVED_BY = {
    "dense": ("complete", "bipartite"),
    "linear": ("complete",),
    "block": ("window", "grid"),
    "parts": ("union",),
}


def zoo_graph(name):
    """A copy for which nothing is kept yet."""
    return GRAPHS[name]._map(torch.clone, torch.device("cpu"))


@pytest.mark.parametrize("threads", [1, 2])
def test_long_rows_and_many_tasks(threads):
    pytest.importorskip("numba")
    script = f"""
import torch
torch.set_num_threads({threads})
torch.set_default_device("meta")
import graphattn as ga
from graphattn.ops.numba import row_tasks
row_tasks._SERIAL_BELOW, row_tasks._NUMBERS_PER_TASK, row_tasks.LONGEST_ROW = 1, 50, 7
generator = torch.Generator(device="cpu").manual_seed(0)
edges = torch.randint(13, (2, 301), generator=generator, device="cpu")
edges[1, :150] = 5
x = torch.rand(13, 2, 3, generator=generator, device="cpu").requires_grad_()
bias = torch.rand(301, 2, generator=generator, device="cpu").requires_grad_()
found = []
for backend in ("numba", "reference"):
    out, weights = ga.attention(x, x, x, ga.Graph(edges, 13), edge_bias=bias, backend=backend, return_weights=True)
    found.append([out, weights, *torch.autograd.grad(out.square().sum() + weights.square().sum(), [x, bias])])
for one, other in zip(*found):
    torch.testing.assert_close(one, other)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
