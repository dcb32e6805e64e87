"""Edge tensors by destination and back."""

import pytest
import torch

import graphattn as ga
from graphattn.ops.edge_order import by_destination, in_callers_order


@pytest.mark.parametrize("name", ["unsorted", "duplicate_edges", "no_edges"])
def test_there_and_back(name):
    graph = ga.testing.zoo()[name]
    numbers = torch.arange(3 * graph.num_edges).view(-1, 3)
    moved = by_destination(numbers, graph.csr.perm)
    assert torch.equal(by_destination(graph.edge_index[1], graph.csr.perm), graph.csr.rows().to(torch.int64))
    assert torch.equal(in_callers_order(moved, graph.csr.perm), numbers)
