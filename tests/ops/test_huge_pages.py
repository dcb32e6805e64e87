import mmap

import pytest
import torch

from graphattn.ops import huge_pages


@pytest.fixture
def advice(monkeypatch):
    """What the system is told: address, size, advice."""
    told = []
    monkeypatch.setattr(huge_pages, "_advise", lambda: lambda *call: told.append(call))
    return told


@pytest.mark.skipif(not hasattr(mmap, "MADV_HUGEPAGE"), reason="no such advice on this system")
def test_asks_for_whole_pages_inside_a_large_tensor(advice):
    tensor = torch.empty(2**20 + 1)
    assert huge_pages.ask_for_huge_pages(tensor) is tensor
    ((first, size, _),) = advice
    assert first % mmap.PAGESIZE == 0
    assert tensor.data_ptr() <= first < tensor.data_ptr() + mmap.PAGESIZE
    assert first + size == tensor.data_ptr() + tensor.nbytes


def test_leaves_small_tensors_alone(advice):
    huge_pages.ask_for_huge_pages(torch.empty(1000))
    huge_pages.ask_for_huge_pages(torch.empty(0))
    assert advice == []


def test_the_numbers_stay(monkeypatch):
    tensor = torch.arange(2.0**21)
    huge_pages.ask_for_huge_pages(tensor)
    assert torch.equal(tensor, torch.arange(2.0**21))


def test_does_without_on_other_systems(monkeypatch):
    monkeypatch.setattr(huge_pages, "_advise", lambda: None)
    assert huge_pages.ask_for_huge_pages(torch.zeros(2**21)).sum() == 0
