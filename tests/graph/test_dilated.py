import pytest
from brute import axis, check_edges

from graphattn.graph import dilated, window


@pytest.mark.parametrize("border", ["truncate", "shift", "periodic"])
def test_sees_others_at_regular_distances(border):
    check_edges(dilated(17, radius=2, dilation=3, border=border), axis(17, 2, 2, 3, border))


def test_is_a_window():
    assert dilated([5, 11], 2, 3, True).options == window([5, 11], 2, True, dilation=3).options
    check_edges(dilated(7, 2, 2, causal=True), axis(7, 2, 0, 2, "truncate"))
