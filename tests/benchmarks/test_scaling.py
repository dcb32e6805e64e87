"""How the cost grows."""

import math

import pytest
from bench_cases import HERE

from graphattn.bench import scaling

pytest.importorskip("numba")


def test_exponents_are_slopes():
    sizes = [10.0, 100.0, 1000.0]
    assert math.isclose(scaling.exponent(sizes, [3 * size**1.5 for size in sizes]), 1.5)


def test_points_reach_as_far_as_memory(monkeypatch):
    monkeypatch.setattr(scaling, "memory", lambda device: 10**9)
    edges = [point["num_edges"] for point in scaling.points(HERE) if point["axis"] == "edges"]
    assert edges == 2 * [100_000, 316_228, 1_000_000, 3_162_278]
    shapes = [(point["heads"], point["width"]) for point in scaling.points(HERE) if point["axis"] != "edges"]
    assert {heads * width for heads, width in shapes} == {16, 32, 64, 128, 256, 512, 1024}


def test_local_sources_are_near():
    src, dst = scaling.build("local", 16_000).edge_index
    assert (src - dst).abs().max() <= 128
    src, dst = scaling.build("random", 16_000).edge_index
    assert (src - dst).abs().max() > 900


def test_a_point_is_measured_or_says_why_not():
    point = {"axis": "edges", "order": "local", "num_edges": 1_600, "heads": 1, "width": 16}
    found = scaling.run(point, 0.0, HERE)
    assert min(found["forward"], found["both"]) > 0
    assert "note" in scaling.run({**point, "num_edges": -1}, 0.0, HERE)
