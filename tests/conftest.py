"""What every test can count on: its seeds, PyTorch's settings as they were, the mark of slow ones, and the data."""

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # read when Triton is imported

# A shell lets what it starts in the background ignore Ctrl-C. Tests of Ctrl-C, and what they start, must hear it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples each time, however long the machine takes for each.
settings.register_profile("graphattn", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("graphattn")

TESTS = Path(__file__).parent
# Folders and files whose tests are slow because of what nearly each of them does. Others carry the mark themselves.
SLOW = {
    "benchmarks": "measures, in a process of its own",
    "cli/test_damage.py": "trains predictors, and starts the program",
    "cli/test_compare.py": "trains a stack on three splits",
    "cli/test_fingerprint.py": "trains a predictor first",
    "cli/test_label.py": "trains networks for nodes, with their rivals",
    "cli/test_predict.py": "trains a predictor first, and starts the program",
    "cli/test_train.py": "trains a predictor",
    "cli/test_tune.py": "trains networks",
    "examples": "trains a network",
    "graph/test_attention_on_kinds.py": "calls torch.compile, and the layers on each kind of graph",
    "gpu": "runs GPU kernels in Triton's interpreter",
    "nn/pyg/conv/test_compat.py": "compares each layer with PyG's on each graph of the zoo",
    "nn/pyg/conv/test_other_layers.py": "compares each layer with PyG's on each graph of the zoo",
    "nn/test_compiled.py": "calls torch.compile",
    "nn/test_exported.py": "calls torch.export",
    "nn/test_plain.py": "changes each layer in each way that there is",
    "ops/lowering": "compiles CPU kernels for each combination of options",
    "ops/test_custom_score.py": "compiles CPU kernels for each score",
    "ops/numba": "compiles CPU kernels for each combination of options",
    "ops/test_warmup.py": "compiles CPU kernels",
    "ops/test_loading.py": "starts Python for each test",
    "ops/triton": "runs GPU kernels in Triton's interpreter",
    "tasks/molecule/test_baselines.py": "trains forests",
    "tasks/molecule/stack": "trains a stack",
    "tasks/molecule/test_estimator.py": "trains predictors",
    "tasks/molecule/test_own_features.py": "trains predictors",
    "tasks/molecule/test_tuning.py": "trains networks",
    "tasks/molecule/test_training.py": "trains a predictor",
    "tasks/network/test_classifier.py": "trains networks for nodes, with their rivals",
    "tasks/network/test_search.py": "trains networks for nodes",
    "test_import.py": "starts Python for nearly each test",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what is in one of `SLOW`."""
    slow = tuple(TESTS / name for name in SLOW)
    for item in items:
        if any(item.path.is_relative_to(path) for path in slow):
            item.add_marker(pytest.mark.slow)


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
