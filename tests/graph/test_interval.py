"""Intervals of sources, against loops."""

import pytest
import torch

import graphattn as ga


def test_against_loops():
    start, stop = torch.tensor([2, 0, 4, 1]), torch.tensor([5, 0, 7, 2])
    graph = ga.interval(start, stop, 7)
    expected = [(j, i) for i, (a, b) in enumerate(zip(start.tolist(), stop.tolist(), strict=True)) for j in range(a, b)]
    assert list(map(tuple, graph.edge_index.t().tolist())) == expected
    assert (graph.num_dst, graph.num_src) == (4, 7)
    graph.validate()


def test_an_interval_that_ends_before_it_begins_is_empty():
    assert ga.interval(torch.tensor([3, 0]), torch.tensor([1, 2]), 2).edge_index.tolist() == [[0, 1], [1, 1]]


@pytest.mark.parametrize(
    ("start", "stop", "error", "message"),
    [
        (torch.tensor([0.5]), torch.tensor([1]), TypeError, "start must hold integers, got torch.float32"),
        (torch.tensor([0]), torch.tensor([1, 2]), ValueError, r"alike, got \[1\] and \[2\]"),
        (torch.tensor([1]), torch.tensor([4]), ValueError, "source node 3, but the graph has 3"),
        (torch.tensor([-1]), torch.tensor([1]), ValueError, "holds node -1"),
    ],
)
def test_errors(start, stop, error, message):
    with pytest.raises(error, match=message):
        ga.interval(start, stop, 3)
