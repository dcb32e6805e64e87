import itertools

import pytest
from brute import axis, check_edges, pack

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
