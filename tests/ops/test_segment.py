"""Reductions over the edges of each destination, with torch-scatter and without."""

import importlib.util
import sys

import pytest
import torch

import graphattn as ga
from graphattn.ops import segment
from graphattn.ops.segment import Rows

HAS_SCATTER = importlib.util.find_spec("torch_scatter") is not None
GRAPH = ga.Graph(torch.tensor([[0, 1, 1, 2, 0], [1, 1, 3, 1, 3]]), num_dst=5, num_src=3)  # rows of 0, 3, 0, 2, 0 edges
ROWS = Rows(GRAPH.csr.rows(), GRAPH.csr.indptr)
VALUES = torch.tensor([[1.0, -1.0], [2.0, -2.0], [4.0, -4.0], [8.0, -8.0], [16.0, -16.0]], dtype=torch.float64)


@pytest.fixture(params=["torch", "torch_scatter"])
def library(request, monkeypatch):
    if request.param == "torch":
        monkeypatch.setattr(segment, "_torch_scatter", lambda: None)
    elif not HAS_SCATTER:
        pytest.skip("torch-scatter is not installed")
    else:
        assert segment._torch_scatter() is not None
    return request.param


def test_sum(library):
    assert ROWS.num_rows == 5
    assert ROWS.sum(VALUES).tolist() == [[0, 0], [7, -7], [0, 0], [24, -24], [0, 0]]


def test_sum_of_more_dimensions(library):
    values = torch.randn(5, 3, 2, 7)
    torch.testing.assert_close(ROWS.sum(values)[3], values[3:].sum(0))
    torch.testing.assert_close(ROWS.sum(values)[1], values[:3].sum(0))


def test_gradient_of_the_sum(library):
    assert torch.autograd.gradcheck(lambda values: ROWS.sum(values).sin(), (VALUES.clone().requires_grad_(),))


def test_second_derivative_of_the_sum(library):
    assert torch.autograd.gradgradcheck(lambda values: ROWS.sum(values).sin(), (VALUES.clone().requires_grad_(),))


def test_max(library):
    found = ROWS.max(VALUES.clone().requires_grad_())
    none = [-torch.inf] * 2
    assert found.tolist() == [none, [4, -1], none, [16, -8], none]
    assert not found.requires_grad


def test_spread(library):
    assert ROWS.spread(torch.arange(5)).tolist() == [1, 1, 1, 3, 3]


def test_without_edges(library):
    rows = Rows(torch.empty(0, dtype=torch.int32), torch.zeros(4, dtype=torch.int32))
    empty = torch.empty(0, 2)
    assert torch.equal(rows.sum(empty), torch.zeros(3, 2))
    assert torch.equal(rows.max(empty), torch.full((3, 2), -torch.inf))
    assert rows.spread(torch.zeros(3, 2)).shape == (0, 2)


@pytest.mark.parametrize("name", sorted(ga.testing.zoo()))
def test_the_operator_gives_the_same_with_both(name, monkeypatch):
    if not HAS_SCATTER:
        pytest.skip("torch-scatter is not installed")
    graph = ga.testing.zoo()[name]
    q, k = torch.randn(graph.num_dst, 3, 5), torch.randn(graph.num_src, 3, 5)
    with_scatter = ga.attention(q, k, k, graph, backend="reference")
    monkeypatch.setattr(segment, "_torch_scatter", lambda: None)
    torch.testing.assert_close(ga.attention(q, k, k, graph, backend="reference"), with_scatter)


class Recorder:
    """A torch_scatter that writes down its calls."""

    def __init__(self):
        self.calls = []

    def segment_csr(self, values, indptr, reduce):
        self.calls.append((indptr.dtype, reduce))
        return torch.stack([part.sum(0) for part in values.split(indptr.diff().tolist())])


def test_torch_scatter_serves_where_it_is_there(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr(segment, "_torch_scatter", lambda: recorder)
    assert ROWS.sum(VALUES).tolist() == [[0, 0], [7, -7], [0, 0], [24, -24], [0, 0]]
    assert recorder.calls == [(torch.int64, "sum")]


@pytest.mark.parametrize("error", [ImportError, OSError])
def test_a_torch_scatter_that_does_not_load_is_none(monkeypatch, error):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "torch_scatter":
                raise error("undefined symbol")

    monkeypatch.delitem(sys.modules, "torch_scatter", raising=False)
    monkeypatch.setattr("sys.meta_path", [Broken(), *sys.meta_path])
    assert segment._torch_scatter.__wrapped__() is None
