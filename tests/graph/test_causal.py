import pytest
from brute import check_edges, pack

from graphattn.graph import Causal, causal


@pytest.mark.parametrize("n", range(6))
def test_everyone_sees_itself_and_those_before(n):
    check_edges(causal(n), [range(i + 1) for i in range(n)])


def test_batch():
    graph = causal([3, 0, 1, 5])
    assert isinstance(graph, Causal)
    assert graph.sizes == (3, 0, 1, 5)
    check_edges(graph, pack([[range(i + 1) for i in range(n)] for n in graph.sizes]))
