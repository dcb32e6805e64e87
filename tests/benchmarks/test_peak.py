"""What memory one call takes."""

import pytest
import torch
from bench_cases import HERE

from graphattn.bench.peak import Memory, num_bytes, peak, peak_extra


def test_peak_memory_of_a_known_size():
    for _ in range(2):  # what the first call leaves behind must not hide the second
        found = peak_extra(lambda: torch.ones(16 * 2**20, device=HERE), HERE)
        if found is None:
            pytest.skip("this system does not tell the peak of memory")
        assert abs(found - 64 * 2**20) < 2 * 2**20


def test_what_every_contender_has_is_told_apart():
    source = torch.zeros(4 * 2**20, device=HERE)

    def doubled():
        return (source + 1) + 1  # one result, and as much in between

    doubled()
    found = peak(doubled, [source], [source], HERE)
    if found is None:
        pytest.skip("this system does not tell the peak of memory")
    assert (found.inputs, found.results) == (2**24, 2**24)
    assert abs(found.scratch - 2**24) < 2**21
    assert found.total == found.extra + 2**24


def test_sums():
    memory = Memory(extra=10_000_000, results=6_000_000, inputs=1_000_000)
    assert (memory.scratch, memory.total) == (4_000_000, 11_000_000)
    assert Memory(extra=100, results=100, inputs=7).scratch == 4096  # a page, so that multiples exist
    assert num_bytes([torch.zeros(3, 5), torch.zeros(2, dtype=torch.float64)]) == 76


def test_files_of_earlier_versions():
    old = Memory.load(77)
    assert (old.scratch, old.total) == (None, 77)
    assert Memory.load(None) is None
    assert Memory.load({"extra": 5, "results": 3, "inputs": 1}) == Memory(5, 3, 1)
