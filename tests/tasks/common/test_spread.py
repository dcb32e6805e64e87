import numpy as np
import pytest

from graphattn.tasks.common.spread import describe_spread, share_within


def test_share_within_by_hand():
    mean, std = np.array([[0.0], [0.0], [0.0], [0.0]]), np.array([[1.0], [1.0], [1.0], [np.nan]])
    assert share_within(mean, std, np.array([[0.5], [2.0], [np.nan], [0.1]])) == pytest.approx(0.5)
    assert share_within(mean, np.full((4, 1), np.nan), mean) is None


def test_what_it_says():
    assert describe_spread(1, 0.5) == ""
    assert describe_spread(3, None) == "± (std) is how far the 3 networks differ, not an error bar."
    assert "error bar: 31% of the test values lie within it, where 68%" in describe_spread(3, 0.31)
