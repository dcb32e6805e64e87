import pytest
import torch
from brute import check_edges, pack

from graphattn.graph import Hub, batch, complete, hub


def seen(n, hubs):
    return [range(n) if i in hubs else hubs for i in range(n)]


@pytest.mark.parametrize(("n", "hubs"), [(7, [0, 3, 6]), (5, [2]), (5, range(5)), (4, []), (0, []), (1, [0]), (2, [1])])
def test_hubs_see_all_and_are_seen_by_all(n, hubs):
    check_edges(hub(n, hubs=hubs), seen(n, hubs))


def test_a_number_of_hubs_means_the_first():
    assert hub(7, hubs=2) == hub(7, hubs=[1, 0, 1])
    assert hub(7, hubs=2).hubs == hub(7, hubs=torch.tensor(2)).hubs == (0, 1)
    assert hub(7, hubs=torch.tensor([2])).hubs == (2,)
    assert hub(3, hubs=3) == complete(3)


def test_batch():
    graph = hub([5, 3, 7], hubs=[2, 0])
    assert isinstance(graph, Hub)
    check_edges(graph, pack([seen(n, [0, 2]) for n in (5, 3, 7)]))
    assert batch([hub(5, hubs=[2, 0]), hub([3, 7], hubs=[0, 2])]) == graph


def test_the_hub_of_exphormer_is_a_node_more():
    src, dst = hub(6, hubs=[5]).edge_index
    assert torch.equal((src == 5) | (dst == 5), torch.ones(11, dtype=torch.bool))


@pytest.mark.parametrize(
    ("n", "hubs", "error", "message"),
    [
        (3, [3], ValueError, "hubs must be nodes of each graph, but node 3 is not in one of 3 nodes"),
        ([5, 1], 2, ValueError, "node 1 is not in one of 1 nodes"),
        (0, 1, ValueError, "node 0 is not in one of 0 nodes"),
        (3, -1, ValueError, "hubs must not be negative, got -1"),
        (3, [-1], ValueError, "hubs must not be negative, got -1"),
        (3, 1.0, TypeError, "hubs must be an integer, got 1.0"),
    ],
)
def test_bad_input(n, hubs, error, message):
    with pytest.raises(error, match=message):
        hub(n, hubs=hubs)
