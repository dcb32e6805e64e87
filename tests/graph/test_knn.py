import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphattn.graph import Batch, Graph, knn


def cloud(*shape, dtype=torch.float32, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def distances(points):
    return (points.double().unsqueeze(1) - points.double()).square().sum(2).sqrt()


def seen(points, k):
    distance = distances(points).fill_diagonal_(torch.inf)
    return distance.sort(dim=1).indices[:, : min(k, max(len(points) - 1, 0))]


def check_nearest(graph, points, k):
    expected = seen(points, k)
    dst = torch.arange(len(points)).repeat_interleave(expected.size(1))
    assert graph == Graph(torch.stack([expected.flatten(), dst]), len(points))
    assert graph.csr.perm is None


@pytest.mark.parametrize("n", [0, 1, 2, 3, 61])
@pytest.mark.parametrize("k", [0, 1, 7])
def test_nearest_first(n, k):
    points = cloud(n, 3)
    check_nearest(knn(points, k), points, k)


@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 9), st.integers(0, 99))
def test_any_sizes(n, dimensions, k, seed):
    points = cloud(n, dimensions, dtype=torch.float64, seed=seed)
    check_nearest(knn(points, k), points, k)


def test_points_in_one_place_see_others_not_themselves():
    graph = knn(torch.zeros(23, 2), k=4)
    src, dst = graph.edge_index
    assert graph.in_degree.tolist() == [4] * 23
    assert (src != dst).all()
    assert (dst * 23 + src).unique().numel() == 23 * 4


def test_clouds_do_not_see_one_another():
    points, batch = cloud(12, 2), torch.tensor([0] * 5 + [2] * 6 + [3])
    graph = knn(points, 3, batch=batch)
    assert isinstance(graph, Batch)
    assert graph.dst_sizes == (5, 0, 6, 1)
    for part, places in zip(graph.parts, points.split([5, 0, 6, 1]), strict=True):
        check_nearest(part, places, 3)
    assert knn(points[:0], 3, batch=batch[:0]).num_nodes == 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_any_precision_and_no_gradient(dtype):
    points = cloud(11, 3, dtype=dtype).requires_grad_()
    check_nearest(knn(points, 2), points.detach(), 2)


@pytest.mark.parametrize(
    ("points", "options", "error", "message"),
    [
        ([[0.0]], {}, TypeError, "points must be a tensor of floating-point numbers, got list"),
        (torch.zeros(3, 2, dtype=torch.int64), {}, TypeError, "points must be .* got torch.int64"),
        (torch.zeros(3), {}, ValueError, r"points must have shape \[N, d\] with d at least 1, got \[3\]"),
        (torch.zeros(3, 0), {}, ValueError, r"got \[3, 0\]"),
        (torch.tensor([[0.0], [torch.nan]]), {}, ValueError, "points must be finite, got NaN or infinity"),
        (torch.zeros(3, 2), {"k": -1}, ValueError, "k must not be negative, got -1"),
        (torch.zeros(3, 2), {"k": 1.0}, TypeError, r"k must be an integer, got 1\.0"),
        (
            torch.zeros(3, 2),
            {"batch": torch.zeros(3)},
            TypeError,
            "batch must be a tensor of integers, got torch.float32",
        ),
        (torch.zeros(3, 2), {"batch": [0, 0, 0]}, TypeError, "batch must be a tensor of integers, got list"),
        (torch.zeros(3, 2), {"batch": torch.tensor([0, 1])}, ValueError, r"batch must have shape \[3\].* got \[2\]"),
        (
            torch.zeros(3, 2),
            {"batch": torch.tensor([0, 1, 0])},
            ValueError,
            "batch must count from 0 and never decrease",
        ),
        (torch.zeros(3, 2), {"batch": torch.tensor([-1, 0, 0])}, ValueError, "batch must count from 0"),
    ],
)
def test_bad_input(points, options, error, message):
    with pytest.raises(error, match=message):
        knn(points, **{"k": 2, **options})
