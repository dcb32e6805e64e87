import copy

import numpy
import pytest
import torch

from graphattn.graph import bipartite, causal, complete, grid, hub, strided, window
from graphattn.graph.rule import as_sizes, positions

MILLION = 1_000_000


@pytest.mark.parametrize(
    ("graph", "num_nodes", "num_edges"),
    [
        (complete(MILLION), MILLION, MILLION**2),
        (causal(MILLION), MILLION, MILLION * (MILLION + 1) // 2),
        (window(MILLION, radius=1000), MILLION, 2001 * MILLION - 1000 * 1001),
        (window(MILLION, radius=MILLION), MILLION, MILLION**2),
        (grid((1000, 1000), kernel_size=101, border="shift"), MILLION, 101**2 * MILLION),
        (bipartite(MILLION, MILLION), MILLION, MILLION**2),
        (hub(MILLION, hubs=1000), MILLION, 1000 * (2 * MILLION - 1000)),
        (strided(MILLION, stride=1, causal=True), MILLION, MILLION * (MILLION + 1) // 2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_sizes_are_known_without_edges(graph, num_nodes, num_edges):
    assert (graph.num_dst, graph.num_src, graph.num_edges) == (num_nodes, num_nodes, num_edges)
    assert f"num_edges={num_edges}" in repr(graph)
    assert graph == copy.deepcopy(graph)
    assert graph != complete(3)
    assert graph.to("meta").num_edges == num_edges
    assert graph._edge_index is graph._csr is graph._csc is None


def test_same_kind_with_other_options_is_compared_by_edges():
    assert window(3, radius=5) == window(3, radius=7)
    assert window(3, radius=5) == complete(3)
    assert window(5, radius=1) != window(5, radius=1, border="periodic")


def test_edges_are_made_on_the_device():
    graph = complete(3, device="meta")
    assert graph.device == graph.dst_ptr.device == torch.device("meta")
    assert repr(graph) == "Complete(num_nodes=3, num_edges=9, device='meta')"


def test_repr_tells_the_rule():
    assert repr(causal([3, 4])) == "Causal(num_graphs=2, num_nodes=7, num_edges=16)"
    expected = "Window(num_nodes=5, radius=1, causal=True, dilation=1, border='truncate', num_edges=9)"
    assert repr(window(5, radius=1, causal=True)) == expected


def test_sizes_may_come_in_any_container():
    for sizes in ([3, 4], (3, 4), range(3, 5), numpy.array([3, 4]), torch.tensor([3, 4])):
        assert as_sizes("n", sizes) == (3, 4)
    for size in (3, numpy.int64(3), torch.tensor(3)):
        assert as_sizes("n", size) == (3,)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (-1, ValueError, "n must not be negative, got -1"),
        ([3, -2], ValueError, "n must not be negative, got -2"),
        (2.0, TypeError, r"n must be an integer, got 2\.0"),
        ("34", TypeError, "n must be an integer, got '34'"),
        (None, TypeError, "n must be an integer, got None"),
        ([3, None], TypeError, "n must be an integer, got None"),
    ],
)
def test_bad_sizes(value, error, message):
    with pytest.raises(error, match=message):
        complete(value)
    with pytest.raises(error, match=message):
        causal(value)


def test_positions_with_an_empty_graph():
    position, before, size = positions([2, 0, 3], torch.device("cpu"))
    assert position.tolist() == [0, 1, 0, 1, 2]
    assert before.tolist() == [0, 0, 2, 2, 2]
    assert size.tolist() == [2, 2, 3, 3, 3]
