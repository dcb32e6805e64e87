"""Splitting nodes into parts: about equal work, and few edges between them."""

import pytest
import torch

import graphattn as ga
from graphattn.graph import owners


@pytest.mark.parametrize("size", [1, 2, 5])
def test_balanced_parts_are_consecutive_and_of_about_equal_work(size):
    degree = torch.randint(20, (400,), generator=torch.Generator().manual_seed(0))
    indptr = torch.cat([degree.new_zeros(1), degree.cumsum(0)])
    owner = owners.balanced(indptr, size)
    assert torch.equal(owner.sort().values, owner) and owner.unique().numel() == size
    work_of = torch.zeros(size, dtype=torch.int64).index_add_(0, owner, degree + 1)
    assert (work_of - work_of.double().mean()).abs().max() <= 2 * 21


def test_metis_cuts_fewer_edges_than_consecutive_parts():
    pytest.importorskip("pymetis")
    order = torch.randperm(64, generator=torch.Generator().manual_seed(0))
    grid = ga.Graph(order[ga.grid((8, 8), 3).edge_index], num_nodes=64)
    source, destination = grid.edge_index

    def cut(owner):
        return int((owner[source] != owner[destination]).sum())

    assert cut(owners.metis(grid.csr, 4)) < cut(owners.balanced(grid.csr.indptr, 4)) / 2


def test_an_owner_that_is_none_is_refused():
    with pytest.raises(ValueError, match="owners 0 to 1, got -1"):
        owners.check_given([0, -1], 2, 2)
    with pytest.raises(ValueError, match="of each of the 3 nodes"):
        owners.check_given([0.5, 0, 1], 3, 2)
