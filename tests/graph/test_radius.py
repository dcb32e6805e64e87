import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphattn.graph import Batch, Graph, radius


def cloud(*shape, dtype=torch.float32, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def distances(points):
    return (points.double().unsqueeze(1) - points.double()).square().sum(2).sqrt()


def check_within(graph, points, r):
    near = distances(points) <= r
    dst, src = near.fill_diagonal_(False).nonzero().t()
    assert graph == Graph(torch.stack([src, dst]), len(points))
    assert graph.csr.perm is None


@pytest.mark.parametrize("n", [0, 1, 2, 61])
@pytest.mark.parametrize("r", [0, 0.5, 100])
def test_all_within(n, r):
    points = cloud(n, 3)
    check_within(radius(points, r), points, r)


@given(st.integers(1, 40), st.integers(1, 5), st.floats(0, 3), st.integers(0, 99))
def test_any_sizes(n, dimensions, r, seed):
    points = cloud(n, dimensions, dtype=torch.float64, seed=seed)
    check_within(radius(points, r), points, r)


def test_the_distance_itself_is_within():
    points = torch.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0]])
    assert radius(points, 5).num_edges == 6
    assert radius(points, math.nextafter(5, 0)).num_edges == 2
    assert radius(points, 0).edge_index.tolist() == [[2, 1], [1, 2]]


def test_clouds_do_not_see_one_another():
    points, batch = cloud(12, 2), torch.tensor([0] * 5 + [2] * 6 + [3])
    graph = radius(points, 1.5, batch=batch)
    assert isinstance(graph, Batch)
    for part, places in zip(graph.parts, points.split([5, 0, 6, 1]), strict=True):
        check_within(part, places, 1.5)


@pytest.mark.parametrize(
    ("r", "error", "message"),
    [
        (-1.0, ValueError, "r must be a distance, finite and not negative, got -1.0"),
        (math.nan, ValueError, "got nan"),
        (math.inf, ValueError, "got inf"),
        ("1", TypeError, "r must be a number, got '1'"),
        (True, TypeError, "r must be a number, got True"),
    ],
)
def test_bad_distance(r, error, message):
    with pytest.raises(error, match=message):
        radius(torch.zeros(3, 2), r)


def test_bad_points():
    with pytest.raises(ValueError, match=r"points must have shape \[N, d\] with d at least 1, got \[3\]"):
        radius(torch.zeros(3), 1.0)
