"""The checks of `make gpu` as tests, a few cases of each, where there is a GPU."""

import pytest
import torch
from gpu.checks import CHECKS, run_check

from graphattn.bench import process

NAMES = [function.__name__ for function in CHECKS]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("name", NAMES)
def test_on_a_gpu(name):
    (function,) = (function for function in CHECKS if function.__name__ == name)
    for case in function.cases(True):
        process.run(run_check, name, case)  # a check may change settings, or break the GPU for others


def test_every_check_has_a_name_of_its_own_and_says_what_it_is_about():
    assert len(set(NAMES)) == len(NAMES)
    assert all(function.__doc__ for function in CHECKS)
