"""Partitions: they cover the graph, agree on every process, and say what is wrong on all of them."""

import distributed_work as work
import pytest
from torch_geometric.data import Data

import graphattn as ga
from graphattn.distributed import partition


def test_without_a_process_group():
    with pytest.raises(RuntimeError, match="needs a process group"):
        partition(ga.complete(3))


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
