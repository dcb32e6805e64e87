"""The plan: its arithmetic, and the halo it predicts against one that is counted."""

import pytest
import torch

from graphattn.distributed.plan import Plan


def counted_halo(num_nodes, num_edges, parts):
    """The mean number of others' sources of a random graph under a random partition, over all parts."""
    generator = torch.Generator().manual_seed(0)
    source, destination = torch.randint(num_nodes, (2, num_edges), generator=generator)
    owner = torch.randint(parts, (num_nodes,), generator=generator)
    halos = [source[(owner[destination] == part) & (owner[source] != part)].unique().numel() for part in range(parts)]
    return torch.tensor(halos, dtype=torch.float64).mean().item()


@pytest.mark.parametrize(("num_nodes", "num_edges", "parts"), [(4000, 2000, 2), (4000, 40000, 4), (4000, 400000, 8)])
def test_the_halo_is_that_of_a_random_partition(num_nodes, num_edges, parts):
    found = Plan(num_nodes, num_edges, parts).halo
    assert found == pytest.approx(counted_halo(num_nodes, num_edges, parts), rel=0.03)
    assert abs(found - num_nodes) > 0.03 * num_nodes  # so that the test can tell


def test_one_process_asks_nobody():
    plan = Plan(1000, 5000, 1)
    assert plan.halo == 0
    assert all(each.sent == 0 for each in plan.exchanges())


def test_a_better_partition_sends_less():
    bad, good = Plan(1e9, 1e11, 256), Plan(1e9, 1e11, 256, cut=0.05)
    assert good.exchanges()[0].sent < bad.exchanges()[0].sent
    assert [each.name for each in bad.exchanges()] == ["halo", "stream"]


def test_streaming_keeps_less_and_heads_need_the_whole_graph():
    plan = Plan(1e8, 1e9, 8)
    halo, stream, heads = plan.exchanges()
    assert plan.local < stream.kept < halo.kept
    assert heads.kept > 1e9 * 16  # the edges of the whole graph
    assert stream.sent == pytest.approx(1.5 * halo.sent)


def test_sizes_that_cannot_be():
    with pytest.raises(ValueError, match="partitions must be positive"):
        Plan(10, 10, 0)
    with pytest.raises(ValueError, match="cut lies between 0 and 1"):
        Plan(10, 10, 2, cut=1.5)
