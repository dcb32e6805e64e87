"""How one call is timed, and what memory it takes."""

import time

import pytest
import torch
from bench_cases import HERE

from graphattn.bench.measure import Timing, peak_extra, repeat


def test_repetitions_go_on_for_the_time_given(monkeypatch):
    now = 0.0

    def takes(seconds):
        nonlocal now
        now += seconds

    monkeypatch.setattr(time, "perf_counter", lambda: now)
    assert repeat(lambda: takes(0.25), 0.0, "cpu").repetitions == 3
    assert repeat(lambda: takes(0.0), 10.0, "cpu").repetitions == 1000
    assert repeat(lambda: takes(0.25), 1.25, "cpu") == Timing(median=0.25, spread=0, repetitions=5)


def test_median_and_spread(monkeypatch):
    ticks = iter([0, 1, 10, 12, 20, 23, 30, 34, 40, 45])  # 1, 2, 3, 4 and 5 seconds
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))
    assert repeat(lambda: None, 15.0, HERE) == Timing(median=3, spread=1, repetitions=5)


def test_peak_memory_of_a_known_size():
    for _ in range(2):  # what the first call leaves behind must not hide the second
        found = peak_extra(lambda: torch.ones(16 * 2**20, device=HERE), HERE)
        if found is None:
            pytest.skip("this system does not tell the peak of memory")
        assert abs(found - 64 * 2**20) < 2 * 2**20
