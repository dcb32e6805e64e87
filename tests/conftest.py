"""What every test can count on: seeds, PyTorch's settings left as they were, and where the benchmark data lie."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # read when Triton is imported


@pytest.fixture(scope="session")
def benchmark_data() -> Path:
    """The folder of real benchmark data, named by GRAPHATTN_DATA or lying in ../shared/data; the test skips without."""
    folder = Path(os.environ.get("GRAPHATTN_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("no benchmark data: set GRAPHATTN_DATA to their folder")
    return folder


def _settings() -> dict[str, object]:
    return {
        "threads": torch.get_num_threads(),
        "default dtype": torch.get_default_dtype(),
        "default device": torch.get_default_device(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "gradients": torch.is_grad_enabled(),
    }


@pytest.fixture(autouse=True)
def no_test_depends_on_another() -> Iterator[None]:
    """Every test draws the same numbers, in whatever order tests run, and leaves PyTorch's settings as they were."""
    before = _settings()
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    yield
    assert _settings() == before
