import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphattn.graph import Batch, complete, random_regular


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def check_regular(graph, n, degree):
    src, dst = graph.edge_index
    assert graph.num_nodes == n
    assert graph.in_degree.tolist() == graph.out_degree.tolist() == [degree] * n
    assert (src != dst).all()
    edge = dst * n + src
    assert (edge.diff() > 0).all()  # no edge twice; destination by destination, sources ascending
    assert graph.csr.perm is None


@pytest.mark.parametrize("n", range(1, 10))
def test_every_degree_of_small_graphs(n):
    for degree in range(n):
        for seed in range(5):
            check_regular(random_regular(n, degree, generator=seeded(seed)), n, degree)


@given(st.integers(1, 60), st.data())
def test_regular_whatever_the_sizes(n, data):
    degree = data.draw(st.integers(0, n - 1))
    check_regular(random_regular(n, degree, generator=seeded(data.draw(st.integers(0, 99)))), n, degree)


def test_no_nodes():
    assert random_regular(0, 0) == complete(0)


def test_follows_the_generator():
    first, again, other = (random_regular(31, 5, generator=seeded(seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    torch.manual_seed(3)
    assert random_regular(31, 5) == first


@pytest.mark.parametrize("degree", [2, 5])  # of 7 nodes: drawn, and drawn by what is left out
def test_everyone_else_is_seen_equally_often(degree):
    generator, draws = seeded(), 600
    counts = sum(random_regular(7, degree, generator=generator).to_torch_sparse().to_dense() for _ in range(draws))
    share = degree / 6
    spread = (draws * share * (1 - share)) ** 0.5
    assert (counts.diagonal() == 0).all()
    assert ((counts[~torch.eye(7, dtype=torch.bool)] - draws * share).abs() < 5 * spread).all()


def test_batch():
    graph = random_regular([7, 5, 11], degree=3, generator=seeded())
    assert isinstance(graph, Batch)
    for part, size in zip(graph.parts, (7, 5, 11), strict=True):
        check_regular(part, size, 3)


def test_on_a_device():
    assert random_regular(5, 2, device="meta").device.type == "meta"


@pytest.mark.parametrize(
    ("n", "degree", "error", "message"),
    [
        (3, 3, ValueError, "degree must be below the number of nodes, got 3 for 3 nodes"),
        ([7, 2], 2, ValueError, "got 2 for 2 nodes"),
        (0, 1, ValueError, "got 1 for 0 nodes"),
        (7, -1, ValueError, "degree must not be negative, got -1"),
        (7, 2.0, TypeError, r"degree must be an integer, got 2\.0"),
    ],
)
def test_bad_input(n, degree, error, message):
    with pytest.raises(error, match=message):
        random_regular(n, degree)
