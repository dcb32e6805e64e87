import pytest
import torch
from expectation import assert_mean
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from graphattn.graph import Batch, expander, window


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def check_expander(graph, n, degree):
    src, dst = graph.edge_index
    assert graph.num_nodes == n
    assert graph.in_degree.tolist() == [degree] * n
    assert (src != dst).all()
    assert ((dst * n + src).diff() > 0).all()  # no edge twice; destination by destination, sources ascending
    assert torch.equal((src * n + dst).sort().values, dst * n + src)  # both ways
    assert connected_components(graph.to_scipy())[0] == 1


def eigenvalues(graph):
    """Those of the adjacency matrix but the first, which is the degree: the largest absolute value."""
    adjacency = graph.to_torch_sparse().to_dense().double()
    return float(torch.linalg.eigvalsh(adjacency)[:-1].abs().max())


@pytest.mark.parametrize("n", range(3, 14))
def test_every_degree_of_small_graphs(n):
    for degree in range(2, n // 2 + 2, 2):
        for seed in range(5):
            check_expander(expander(n, degree, generator=seeded(seed)), n, degree)


@given(st.integers(3, 60), st.data())
def test_regular_and_connected_whatever_the_sizes(n, data):
    degree = 2 * data.draw(st.integers(1, (n + 2) // 4))
    check_expander(expander(n, degree, generator=seeded(data.draw(st.integers(0, 99)))), n, degree)


@pytest.mark.parametrize("degree", [2, 4])  # one cycle; two, of which the second is crossed until it is free
def test_everyone_else_is_a_neighbor_equally_often(degree):
    generator, others = seeded(), ~torch.eye(7, dtype=torch.bool)
    draws = [expander(7, degree, generator=generator).to_torch_sparse().to_dense() for _ in range(2000)]
    assert_mean(torch.stack(draws), others * degree / 6, rather_than=degree / 7)


@pytest.mark.parametrize("degree", [4, 6, 8])
def test_spectral_gap(degree):
    # The best that can be is 2 √(degree - 1) in the limit of many nodes (Alon and Boppana).
    optimum = 2 * (degree - 1) ** 0.5
    for seed in range(3):
        assert eigenvalues(expander(499, degree, generator=seeded(seed))) < 1.05 * optimum
    ring = window(499, radius=degree // 2, border="periodic").remove_self_loops()[0]
    assert degree - eigenvalues(ring) < 0.01 * (degree - optimum)  # as many edges to near nodes: hardly any gap


def test_follows_the_generator():
    first, again, other = (expander(31, 4, generator=seeded(seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    torch.manual_seed(3)
    assert expander(31, 4) == first


def test_batch():
    graph = expander([7, 6, 11], degree=4, generator=seeded())
    assert isinstance(graph, Batch)
    for part, size in zip(graph.parts, (7, 6, 11), strict=True):
        check_expander(part, size, 4)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_nodes(n):
    with pytest.raises(ValueError, match=rf"expander needs 3 nodes or more .* got n={n} and degree=2"):
        expander(n, 2)


@pytest.mark.parametrize(
    ("n", "degree", "error", "message"),
    [
        (9, 3, ValueError, "an even degree from 2 to n / 2 \\+ 1, got n=9 and degree=3"),
        (9, 0, ValueError, "got n=9 and degree=0"),
        (9, 6, ValueError, r"got n=9 and degree=6; where every node may see all, use complete\(n\)"),
        ([20, 9], 6, ValueError, "got n=9 and degree=6"),
        (9, -2, ValueError, "degree must not be negative, got -2"),
        (9, 4.0, TypeError, r"degree must be an integer, got 4\.0"),
    ],
)
def test_bad_input(n, degree, error, message):
    with pytest.raises(error, match=message):
        expander(n, degree)
