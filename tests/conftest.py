"""What every test can count on: where the benchmark data lie."""

import os
from pathlib import Path

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
