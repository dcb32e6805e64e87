import itertools

import pytest
import torch
from brute import axis, check_edges, pack

import graphattn as ga
from graphattn.graph import Causal, Window, causal, window


def test_all_small_windows():
    for n, radius, dilation in itertools.product(range(10), range(4), range(1, 4)):
        check_edges(window(n, radius, dilation=dilation), axis(n, radius, radius, dilation, "truncate"))
        check_edges(window(n, radius, causal=True, dilation=dilation), axis(n, radius, 0, dilation, "truncate"))
        for border in ("shift", "periodic"):
            if n == 0 or (2 * radius + 1) * dilation <= n:
                check_edges(
                    window(n, radius, dilation=dilation, border=border), axis(n, radius, radius, dilation, border)
                )


@pytest.mark.parametrize("border", ["truncate", "shift", "periodic"])
def test_batch(border):
    sizes = [7, 0, 11, 6]
    graph = window(sizes, radius=1, dilation=2, border=border)
    assert isinstance(graph, Window)
    assert graph.sizes == (7, 0, 11, 6)
    check_edges(graph, pack([axis(n, 1, 1, 2, border) for n in sizes]))


def test_by_hand():
    seen = window(8, radius=1, dilation=3, border="truncate").csr
    assert seen.indices.tolist() == [0, 3, 1, 4, 2, 5, 0, 3, 6, 1, 4, 7, 2, 5, 3, 6, 4, 7]
    assert window(7, radius=1, dilation=2, border="shift").csr.indices.view(7, 3).tolist() == [
        [0, 2, 4],
        [1, 3, 5],
        [0, 2, 4],
        [1, 3, 5],
        [2, 4, 6],
        [1, 3, 5],
        [2, 4, 6],
    ]


def test_a_wide_causal_window_is_the_causal_graph():
    assert window(5, radius=4, causal=True) == causal(5)
    assert not isinstance(window(5, radius=4, causal=True), Causal)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"radius": -1}, ValueError, "radius must not be negative, got -1"),
        ({"radius": 1.5}, TypeError, "radius must be an integer, got 1.5"),
        ({"radius": 1, "dilation": 0}, ValueError, "dilation must be at least 1, got 0"),
        ({"radius": 1, "border": "wrap"}, ValueError, "border must be one of truncate, shift, periodic, got 'wrap'"),
        (
            {"radius": 3, "border": "shift"},
            ValueError,
            "cannot fit a window of 7 with dilation 1 into an axis of 6, but one of 6 at most",
        ),
        (
            {"radius": 1, "dilation": 3, "border": "periodic"},
            ValueError,
            "itself on an axis of 6, which has room for one of 2 at",
        ),
        ({"radius": 1, "causal": True, "border": "shift"}, ValueError, "a causal window must have border='truncate'"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        window([11, 6], **options)


@pytest.mark.parametrize("border", ["truncate", "shift", "periodic"])
@pytest.mark.parametrize(("before", "after"), [(2, 0), (0, 3), (1, 2)])
def test_sides_that_differ(before, after, border):
    n, dilation = 11, 2
    graph = ga.window([n, n], (before, after), dilation=dilation, border=border)
    dense = torch.zeros(n, n, dtype=torch.bool)
    for i in range(n):
        steps = range(-before, after + 1)
        if border == "shift":
            own = [p for p in range(n) if p % dilation == i % dilation]
            first = min(max(own.index(i) - before, 0), len(own) - len(steps))
            seen = own[first : first + len(steps)]
        else:
            seen = [i + dilation * t for t in steps]
            seen = [j % n for j in seen] if border == "periodic" else [j for j in seen if 0 <= j < n]
        dense[i, seen] = True
    src, dst = graph.edge_index
    found = torch.zeros(2 * n, 2 * n, dtype=torch.bool)
    found[dst, src] = True
    assert torch.equal(found, torch.block_diag(dense, dense).bool())
    assert len(src) == 2 * int(dense.sum())


def test_a_pair_of_equal_sides_is_the_window_of_one_radius():
    assert ga.window(5, (2, 2)) == ga.window(5, 2)
    assert ga.window(5, (2, 0), causal=True) == ga.window(5, 2, causal=True)
    assert "radius=(1, 2)" in repr(ga.window(5, (1, 2)))


def test_attention_on_a_window_whose_sides_differ():
    q, k, v = (torch.randn(13, 2, 4, dtype=torch.float64) for _ in range(3))
    graph = ga.window(13, (3, 1))
    reference = ga.attention(q, k, v, graph, backend="reference")
    for backend in ("auto", "block"):
        torch.testing.assert_close(ga.attention(q, k, v, graph, backend=backend), reference)


@pytest.mark.parametrize(
    ("radius", "causal", "message"),
    [((1, 2, 3), False, "got 3 numbers"), ((1, 2), True, "sees nothing after"), ((-1, 2), False, "radius")],
)
def test_pairs_that_cannot_be(radius, causal, message):
    with pytest.raises(ValueError, match=message):
        ga.window(5, radius, causal)
