import itertools
import math

import numpy
import pytest
import torch
from brute import axis, check_edges, pack

from graphattn.graph import Grid, grid, window


def cells(shape, kernel_size, dilation, border):
    """The cells each cell sees: the product of the positions along each axis."""
    along = [
        axis(n, k // 2, (k - 1) // 2, step, border) for n, k, step in zip(shape, kernel_size, dilation, strict=True)
    ]
    seen = []
    for cell in itertools.product(*map(range, shape)):
        coordinates = itertools.product(*(positions[i] for positions, i in zip(along, cell, strict=True)))
        seen.append([int(numpy.ravel_multi_index(each, shape)) for each in coordinates])
    return seen


def fits(shape, kernel_size, dilation, border):
    return border == "truncate" or all(k * d <= n for n, k, d in zip(shape, kernel_size, dilation, strict=True))


@pytest.mark.parametrize("border", ["truncate", "shift", "periodic"])
@pytest.mark.parametrize(
    ("shapes", "kernels", "dilations"),
    [
        ([(n,) for n in range(1, 10)], [(1,), (2,), (3,), (4,), (5,), (11,)], [(1,), (2,), (3,)]),
        (list(itertools.product(range(1, 6), repeat=2)), [(1, 1), (3, 3), (2, 3), (5, 2)], [(1, 1), (2, 1)]),
        ([(4, 3, 5), (1, 6, 2), (3, 3, 3)], [(3, 3, 3), (1, 2, 1), (2, 1, 2)], [(1, 1, 1), (1, 2, 1)]),
    ],
    ids=["1d", "2d", "3d"],
)
def test_all_small_grids(border, shapes, kernels, dilations):
    checked = 0
    for shape, kernel_size, dilation in itertools.product(shapes, kernels, dilations):
        if fits(shape, kernel_size, dilation, border):
            graph = grid(shape, kernel_size, dilation=dilation, border=border)
            check_edges(graph, cells(shape, kernel_size, dilation, border))
            checked += 1
    assert checked >= 4


@pytest.mark.parametrize("border", ["truncate", "shift", "periodic"])
def test_batch(border):
    shapes = [(3, 5), (4, 3), (3, 5)]
    graph = grid(shapes, kernel_size=3, border=border)
    assert isinstance(graph, Grid)
    assert graph.sizes == ((3, 5), (4, 3), (3, 5))
    assert graph.dst_sizes == (15, 12, 15)
    check_edges(graph, pack([cells(shape, (3, 3), (1, 1), border) for shape in shapes]))


@pytest.mark.parametrize("border", ["truncate", "shift", "periodic"])
@pytest.mark.parametrize("shape", [(0,), (0, 2), (2, 0, 5)])
def test_no_cells(shape, border):
    check_edges(grid(shape, kernel_size=3, border=border), [])


def test_truncated_grid_is_where_a_convolution_looks():
    graph = grid((4, 5), kernel_size=3, dilation=2)
    x = torch.arange(20.0)
    seen = torch.nn.functional.conv2d(x.view(1, 1, 4, 5), torch.ones(1, 1, 3, 3), padding=2, dilation=2)
    assert torch.equal(graph.to_torch_sparse().to_dense() @ x, seen.flatten())


def test_even_kernels_reach_further_towards_zero():
    assert grid(4, kernel_size=2).edge_index.tolist() == [[0, 0, 1, 1, 2, 2, 3], [0, 1, 1, 2, 2, 3, 3]]


def test_one_axis_is_a_window():
    for border in ("truncate", "shift", "periodic"):
        assert grid(13, 5, dilation=2, border=border) == window(13, 2, dilation=2, border=border)


def test_shift_gives_every_cell_as_many_neighbors():
    graph = grid((5, 7), kernel_size=(3, 5), border="shift")
    assert graph.in_degree.tolist() == [15] * 35
    assert graph.csr.indices[:15].tolist() == [7 * row + column for row in range(3) for column in range(5)]


def test_shapes_may_come_in_any_container():
    for shape in ((3, 4), [3, 4], torch.Size([3, 4]), numpy.array([3, 4])):
        assert grid(shape, 3).sizes == ((3, 4),)
    assert grid(7, numpy.int64(3)).kernel_size == (3,)
    assert math.prod(grid([[3, 4]], 3).sizes[0]) == 12


@pytest.mark.parametrize(
    ("shape", "options", "error", "message"),
    [
        ((2, 3, 4, 5), {"kernel_size": 3}, ValueError, r"shape must have 1, 2 or 3 axes.* got \(2, 3, 4, 5\)"),
        ([], {"kernel_size": 3}, ValueError, r"shape must have 1, 2 or 3 axes.* got \[\]"),
        ([(3, 3), (3,)], {"kernel_size": 3}, ValueError, "the same number for all of a batch"),
        ((3, -1), {"kernel_size": 3}, ValueError, "shape must not be negative, got -1"),
        ((3, 3.0), {"kernel_size": 3}, TypeError, "shape must be an integer, got 3.0"),
        ((3, 3), {"kernel_size": 0}, ValueError, "kernel_size must be at least 1, got 0"),
        ((3, 3), {"kernel_size": (3,)}, ValueError, r"kernel_size must be one integer or one for each of 2 axes"),
        ((3, 3), {"kernel_size": 3, "dilation": 0}, ValueError, "dilation must be at least 1, got 0"),
        ((3, 3), {"kernel_size": 3, "border": "pad"}, ValueError, "border must be one of .*, got 'pad'"),
        ((9, 3), {"kernel_size": 5, "border": "shift"}, ValueError, "cannot fit a window of 5 .* an axis of 3"),
        ((9, 4), {"kernel_size": 3, "dilation": 2, "border": "periodic"}, ValueError, "meet itself on an axis of 4"),
    ],
)
def test_bad_options(shape, options, error, message):
    with pytest.raises(error, match=message):
        grid(shape, **options)
