import itertools

import pytest
import torch
from brute import axis

from graphattn.graph.axis_window import Reach, as_border

CASES = [
    (n, Reach(left, right, dilation, border))
    for n, left, right, dilation in itertools.product(range(8), range(4), range(4), range(1, 4))
    for border in ("truncate", "shift", "periodic")
]


def fits(n, reach):
    seen = axis(n, reach.left, reach.right, reach.dilation, "periodic")
    if reach.border == "shift":
        return n == 0 or all(len(range(p, n, reach.dilation)) >= reach.width for p in range(min(n, reach.dilation)))
    return reach.border == "truncate" or all(len(set(each)) == reach.width for each in seen)


def test_what_does_not_fit_is_refused_and_nothing_else():
    for n, reach in CASES:
        if fits(n, reach):
            reach.check(n)
        else:
            with pytest.raises(ValueError, match="use 'truncate'"):
                reach.check(n)


def test_numbers_and_ranges_agree_with_loops():
    for n, reach in CASES:
        if not fits(n, reach):
            continue
        expected = axis(n, reach.left, reach.right, reach.dilation, reach.border)
        start, count = reach.start_and_count(torch.arange(n), n)
        assert reach.num_pairs(n) == int(count.sum()) == sum(map(len, expected))
        seen = [[p + reach.dilation * t for t in range(c)] for p, c in zip(start.tolist(), count.tolist(), strict=True)]
        if reach.border == "periodic":
            seen = [[p % n for p in each] for each in seen]
        assert seen == expected


def test_border_must_be_known():
    with pytest.raises(ValueError, match="border must be one of truncate, shift, periodic, got 'wrap'"):
        as_border("wrap")
