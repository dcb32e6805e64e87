"""What is measured beside the contenders."""

import pytest
from bench_cases import HERE

from graphattn.bench import probes
from graphattn.bench.case import SCORES

pytest.importorskip("numba")


def test_overhead_names_every_score():
    found = probes.overhead(HERE)
    assert {
        f"{what}, {score}" for what in ("overhead", "overhead recorded", "overhead both") for score in SCORES
    } == set(found)
    assert min(found.values()) > 0
