import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from brute import axis

import graphattn as ga
from graphattn.graph import grid, window

BORDERS = ["truncate", "shift", "periodic"]


def steps(n, left, right, dilation, border):
    """For each position along one axis, each position that it sees with the number of steps to it."""
    if border == "periodic":
        return [{(i + t * dilation) % n: t for t in range(-left, right + 1)} for i in range(n)]
    seen = axis(n, left, right, dilation, border)
    return [{j: (j - i) // dilation for j in each} for i, each in enumerate(seen)]


def check_offsets(graph, shapes, axes, border):
    """Check `offset_index` against loops; `axes` holds (left, right, dilation) of each."""
    expected = []
    for shape in (each for each in shapes if 0 not in each):
        along = [steps(n, *rule, border) for n, rule in zip(shape, axes, strict=True)]
        lowest = [left + right if border == "shift" else left for left, right, _ in axes]
        table = [2 * (left + right) + 1 if border == "shift" else left + 1 + right for left, right, _ in axes]
        assert graph.offset_shape == tuple(table)
        cells = list(itertools.product(*map(range, shape)))
        for cell in cells:
            for other in cells:
                if all(j in positions[i] for positions, i, j in zip(along, cell, other, strict=True)):
                    step = [positions[i][j] for positions, i, j in zip(along, cell, other, strict=True)]
                    place = 0
                    for s, low, width in zip(step, lowest, table, strict=True):
                        place = place * width + s + low
                    expected.append(place)
    assert graph.offset_index.tolist() == expected


@pytest.mark.parametrize("border", BORDERS)
def test_all_small_windows(border):
    for n, radius, dilation in itertools.product(range(10), range(4), range(1, 4)):
        if border == "truncate" or n == 0 or (2 * radius + 1) * dilation <= n:
            graph = window(n, radius, dilation=dilation, border=border)
            check_offsets(graph, [(n,)], [(radius, radius, dilation)], border)
    check_offsets(window(7, 2, causal=True, dilation=2), [(7,)], [(2, 0, 2)], "truncate")


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize(
    ("shapes", "kernel_size", "dilation"),
    [
        ([(7,)], (4,), (1,)),
        ([(6, 5)], (3, 5), (2, 1)),
        ([(5, 6), (0, 3), (4, 7)], (2, 3), (1, 2)),
        ([(3, 2, 5)], (3, 2, 2), (1, 1, 2)),
    ],
)
def test_grids(border, shapes, kernel_size, dilation):
    graph = grid(shapes, kernel_size, dilation=dilation, border=border)
    axes = [(k // 2, (k - 1) // 2, d) for k, d in zip(kernel_size, dilation, strict=True)]
    check_offsets(graph, shapes, axes, border)


@pytest.mark.parametrize("border", BORDERS)
def test_batch(border):
    graph = window([7, 0, 11, 5], radius=2, border=border)
    alone = [window(n, radius=2, border=border).offset_index for n in (7, 11, 5)]
    assert torch.equal(graph.offset_index, torch.cat(alone))
    assert window([], radius=2, border=border).offset_index.shape == (0,)


def test_made_once_and_moved_along():
    graph = grid((3, 5), kernel_size=3)
    assert graph.offset_index is graph.offset_index
    assert graph.to("meta").offset_index.device.type == "meta"
    assert graph.offset_index.device.type == "cpu"


@pytest.mark.parametrize(("border", "num_offsets"), [("truncate", 3 * 5), ("shift", 5 * 9), ("periodic", 3 * 5)])
def test_bias_table_is_learned_by_offset(border, num_offsets):
    graph = grid((4, 7), kernel_size=(3, 5), border=border)
    table = torch.zeros(*graph.offset_shape, 2, dtype=torch.float64, requires_grad=True)
    assert table.numel() == 2 * num_offsets
    q, k, v = torch.randn(3, 28, 2, 3, dtype=torch.float64)
    bias = table.flatten(0, -2)[graph.offset_index]
    ga.attention(q, k, v, graph, edge_bias=bias, backend="reference").square().sum().backward()
    used = torch.zeros(num_offsets).index_add_(0, graph.offset_index, torch.ones(graph.num_edges)) > 0
    assert (table.grad.flatten(0, -2) != 0).any(1).equal(used)


@pytest.mark.parametrize("dilation", [1, 2])
def test_a_grid_layer_with_one_head_per_offset_is_a_convolution(dilation):
    """A convolution is attention with hard positional scores: Cordonnier et al. 2020, arXiv:1911.03584, theorem 1."""
    height, width, kernel_size, channels, filters = 5, 7, (3, 5), 2, 3
    graph = grid((height, width), kernel_size, dilation=dilation)
    num_offsets = math.prod(kernel_size)
    x = torch.randn(channels, height, width, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(filters, channels, *kernel_size, dtype=torch.float64, requires_grad=True)

    # Head h looks at offset h alone, and its values are the cells through the h-th slice of the kernel.
    hard = torch.full((num_offsets, num_offsets), -torch.inf, dtype=torch.float64).fill_diagonal_(0)
    v = torch.einsum("cn,fco->nof", x.flatten(1), weight.flatten(2))
    looked = ga.attention(None, None, v, graph, score="none", edge_bias=hard[graph.offset_index])
    ours = looked.sum(1).t().unflatten(1, (height, width))

    padding = [dilation * (k // 2) for k in kernel_size]
    theirs = F.conv2d(x[None], weight, padding=padding, dilation=dilation)[0]
    torch.testing.assert_close(ours, theirs)
    out_grad = torch.randn_like(ours)
    for mine, other in zip(
        torch.autograd.grad(ours, (x, weight), out_grad),
        torch.autograd.grad(theirs, (x, weight), out_grad),
        strict=True,
    ):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("border", BORDERS)
def test_in_a_compiled_function(border):
    def attend(q, k, v, table, graph):
        bias = table.flatten(0, -2)[graph.offset_index]
        return ga.attention(q, k, v, graph, edge_bias=bias)

    graph = grid([(4, 7), (5, 5)], kernel_size=(3, 2), dilation=(1, 2), border=border)
    q, k, v = torch.randn(3, graph.num_nodes, 2, 3)
    table = torch.randn(*graph.offset_shape, 2)
    torch.compiler.reset()
    compiled = torch.compile(attend, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(q, k, v, table, graph), attend(q, k, v, table, graph.to("cpu")))


def test_the_old_spelling():
    with pytest.warns(DeprecationWarning, match=r"graphattn\.graph\.Neighborhood") as caught:
        assert isinstance(grid(3, 3), ga.graph.Neighbourhood)
    assert caught[0].filename == __file__
