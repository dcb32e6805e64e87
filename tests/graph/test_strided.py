import itertools

import pytest
from brute import check_edges, pack

from graphattn.graph import Strided, batch, causal, complete, strided, union, window


def seen(n, stride, causal):
    def sees(i, j):
        return (abs(i - j) <= stride or (i - j) % stride == 0) and (j <= i or not causal)

    return [[j for j in range(n) if sees(i, j)] for i in range(n)]


def test_all_small_strides():
    for n, stride, is_causal in itertools.product(range(12), range(1, 7), (False, True)):
        check_edges(strided(n, stride, is_causal), seen(n, stride, is_causal))


@pytest.mark.parametrize("is_causal", [False, True])
def test_batch(is_causal):
    graph = strided([11, 0, 1, 7], stride=3, causal=is_causal)
    assert isinstance(graph, Strided)
    check_edges(graph, pack([seen(n, 3, is_causal) for n in (11, 0, 1, 7)]))
    assert graph == batch([strided(11, 3, is_causal), strided([0, 1, 7], 3, is_causal)])


def test_stride_one_and_strides_beyond_the_end():
    assert strided(7, stride=1) == complete(7)
    assert strided(7, stride=11, causal=True) == causal(7)


@pytest.mark.parametrize("is_causal", [False, True])
def test_is_the_two_patterns_of_the_sparse_transformer(is_causal):
    near, columns = window(29, 5, is_causal), window(29, radius=29, causal=is_causal, dilation=5)
    assert set(map(tuple, union(near, columns).edge_index.t().tolist())) == set(
        map(tuple, strided(29, 5, is_causal).edge_index.t().tolist())
    )


def test_everyone_reaches_everyone_before_in_two_steps():
    adjacency = strided(49, stride=7, causal=True).to_torch_sparse().to_dense()
    assert ((adjacency @ adjacency) > 0).equal(causal(49).to_torch_sparse().to_dense() > 0)


def test_sizes_are_known_without_edges():
    graph = strided(1_000_000, stride=1_000, causal=True)
    near, columns = 1_001_000_000 - 1_000 * 1_001 // 2, 1_000 * 999 * 998 // 2
    assert graph.num_edges == near + columns
    assert graph._edge_index is graph._csr is None
    assert repr(strided(7, stride=2)) == "Strided(num_nodes=7, stride=2, causal=False, num_edges=37)"


def test_bad_input():
    with pytest.raises(ValueError, match="stride must be at least 1, got 0"):
        strided(7, stride=0)
    with pytest.raises(TypeError, match=r"stride must be an integer, got 2\.5"):
        strided(7, stride=2.5)
