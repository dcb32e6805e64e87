"""Layers on torch-sparse's matrices, with a stand-in that has no more than the layers ask of them.

(Where torch-sparse is installed, `test_edge_forms` has its own class, against PyG.)
"""

import pytest
import torch
from torch.testing import assert_close

import graphattn as ga

pytest.importorskip("torch_geometric")
from torch_geometric import typing

from graphattn.nn.pyg.conv import adjacency, transformer

IN, OUT, HEADS, EDGE = 5, 4, 2, 3


class Storage:
    def __init__(self, value):
        self._value = value

    def value(self):
        return self._value


class Matrix(typing.SparseTensor):
    """Entries by row and then by column, as torch-sparse keeps them; copies of an entry stay."""

    def __init__(self, row, col, value=None, sparse_sizes=None, is_sorted=False):
        keys = row * sparse_sizes[1] + col
        order = torch.arange(len(keys)) if is_sorted else keys.argsort(stable=True)
        assert bool((keys[order].diff() >= 0).all())
        self._row, self._col, self._sizes = row[order], col[order], sparse_sizes
        self._storage = Storage(None if value is None else value[order])

    @property
    def storage(self):
        return self._storage

    def coo(self):
        return self._row, self._col, self._storage.value()

    def size(self, dim):
        return self._sizes[dim]

    def device(self):
        return self._row.device


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    torch.manual_seed(0)
    for module in (adjacency, transformer):
        monkeypatch.setattr(module, "SparseTensor", Matrix)


def by_edge(edge_index, weights):
    """The edges in one order, copies side by side, and their weights in it."""
    order = (edge_index[0] * 100 + edge_index[1]).argsort(stable=True)
    return edge_index[:, order], weights[order]


@pytest.mark.parametrize("width", [None, 1, EDGE])
@pytest.mark.parametrize(
    ("name", "options"),
    [("GATConv", {}), ("GATConv", {"add_self_loops": False}), ("GATv2Conv", {}), ("TransformerConv", {})],
    ids=str,
)
def test_as_a_list_of_edges(name, options, width):
    edge_index = torch.tensor([[3, 0, 1, 2, 0, 4, 2], [1, 1, 0, 1, 1, 3, 2]])  # in no order, one twice, one a loop
    values = None if width is None else torch.randn(7, width, dtype=torch.float64)
    layer = getattr(ga.nn, name)(IN, OUT, HEADS, edge_dim=width, **options).double()
    x = torch.randn(5, IN, dtype=torch.float64, requires_grad=True)
    matrix = Matrix(row=edge_index[1], col=edge_index[0], value=values, sparse_sizes=(5, 5))
    want, (edges, weights) = layer(x, edge_index, values, return_attention_weights=True)
    found, adj = layer(x, matrix, return_attention_weights=True)
    assert_close(found, want)
    row, col, value = adj.coo()
    assert_close(by_edge(torch.stack([col, row]), value), by_edge(edges, weights))
    assert_close(*(torch.autograd.grad(out.square().sum(), x) for out in (found, want)))
    assert_close(layer(x, matrix, return_attention_weights=None), want)  # prepared by then


@pytest.mark.parametrize("name", ["GATConv", "GATv2Conv"])
def test_one_number_for_each_entry_is_a_feature_of_layers_that_take_some(name):
    """In PyG too, but not in a `torch.sparse` matrix."""
    edge_index, values, x = torch.tensor([[3, 0, 1], [1, 1, 0]]), torch.randn(3), torch.randn(5, IN)
    matrix = Matrix(row=edge_index[1], col=edge_index[0], value=values, sparse_sizes=(5, 5))
    layer = getattr(ga.nn, name)(IN, OUT, edge_dim=1)
    assert_close(layer(x, matrix), layer(x, edge_index, values))
    assert not torch.allclose(layer(x, matrix), layer(x, edge_index))
    layer = getattr(ga.nn, name)(IN, OUT)
    assert_close(layer(x, matrix), layer(x, edge_index))


def test_two_node_sets_and_sizes_that_disagree():
    matrix = Matrix(row=torch.tensor([1, 0]), col=torch.tensor([2, 0]), sparse_sizes=(2, 3))
    layer = ga.nn.GATConv((IN, IN), OUT, add_self_loops=False)
    x = torch.randn(3, IN), torch.randn(2, IN)
    assert_close(layer(x, matrix), layer(x, torch.tensor([[2, 0], [1, 0]])))
    with pytest.raises(ValueError, match="3 destination features in x, but 2 destination nodes in edge_index"):
        layer((x[0], torch.randn(3, IN)), matrix)
    with pytest.raises(ValueError, match="a sparse matrix, which flow"):
        ga.nn.GATConv(IN, OUT, flow="target_to_source")(x[0], matrix)
