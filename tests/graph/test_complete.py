import pytest
from brute import check_edges, pack

from graphattn.graph import Complete, complete


@pytest.mark.parametrize("n", range(6))
def test_everyone_sees_everyone(n):
    check_edges(complete(n), [range(n)] * n)


def test_batch():
    graph = complete([3, 0, 1, 5])
    assert isinstance(graph, Complete)
    assert graph.sizes == (3, 0, 1, 5)
    check_edges(graph, pack([[range(n)] * n for n in graph.sizes]))
