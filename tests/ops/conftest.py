"""What the tests of every backend share."""

import pytest
import torch

from graphattn.ops import loading


@pytest.fixture
def new_memory_is_nan():
    """What torch.empty gives is full of NaN, so that a number that nobody wrote shows."""
    fills = torch.utils.deterministic.fill_uninitialized_memory
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    try:
        assert torch.empty(3).isnan().all()
        yield
    finally:
        torch.utils.deterministic.fill_uninitialized_memory = fills
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


@pytest.fixture
def no_numba(monkeypatch):
    monkeypatch.setitem(loading._problems, "numba", "Numba is not installed")
    monkeypatch.setattr(loading, "_warned", False)
