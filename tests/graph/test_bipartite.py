import pytest
from brute import check_edges, pack

from graphattn.graph import Bipartite, bipartite


@pytest.mark.parametrize("num_dst", [0, 1, 3])
@pytest.mark.parametrize("num_src", [0, 1, 5])
def test_every_destination_sees_every_source(num_dst, num_src):
    graph = bipartite(num_dst, num_src)
    assert graph.num_src == num_src
    check_edges(graph, [range(num_src)] * num_dst)


def test_batch():
    graph = bipartite([3, 2, 0, 1], [5, 0, 7, 2])
    assert isinstance(graph, Bipartite)
    assert graph.sizes == ((3, 5), (2, 0), (0, 7), (1, 2))
    check_edges(graph, pack([[range(n)] * m for m, n in graph.sizes], sizes=[5, 0, 7, 2]))


def test_repr_tells_both_sizes():
    assert repr(bipartite(3, 3)) == "Bipartite(num_dst=3, num_src=3, num_edges=9)"


def test_sizes_must_come_in_pairs():
    with pytest.raises(ValueError, match="one size for each graph, got 2 and 1 sizes"):
        bipartite([3, 2], 5)
    with pytest.raises(ValueError, match="num_src must not be negative, got -5"):
        bipartite(3, -5)
