"""Partitions: they cover the graph, agree on every process, and say what is wrong on all of them."""

import distributed_work as work
import pytest
import torch
from torch_geometric.data import Data

import graphattn as ga
from graphattn.distributed import owners, partition


def test_without_a_process_group():
    with pytest.raises(RuntimeError, match="needs a process group"):
        partition(ga.complete(3))


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


def test_rows_gathered_are_the_rows_spread(team):
    assert all(team.run(work.gathers, 4))


def test_a_graph_on_disk_is_spread_alike(team, tmp_path):
    from graphattn.loader import OnDiskGraph

    graph = work.make_graph()
    OnDiskGraph.write(Data(edge_index=graph.edge_index, num_nodes=graph.num_nodes), tmp_path / "graph")
    assert all(team.run(work.from_disk, 3, tmp_path / "graph"))


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("graphs differ", "disagree on the graph"),
        ("owners differ", "disagree on the partition"),
        ("owner outside", "owners 0 to 1, got 9"),
        ("not covered", "owner of each of the 37 nodes"),
        ("one fails", "method must be"),
    ],
)
def test_every_process_hears_of_what_is_wrong(team, what, message):
    for answer in team.answers(work.partition_of, 2, what):
        assert answer[0] == "failed" and message in answer[1], answer
