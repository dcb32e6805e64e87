"""Every variant of the kernels against the reference in float64, forward and backward."""

import itertools

import pytest
import torch
from ops.lowering.cases import EDGE_TERMS, NORMALIZERS, SCORES, Case, pairwise, tensors
from ops.lowering.rounding import assert_as_good_as_plain_torch

import graphattn as ga

CASES = pairwise(
    score=SCORES,
    normalize=NORMALIZERS,
    edges=tuple(EDGE_TERMS),
    dtype=(torch.float32, torch.float64, torch.float16, torch.bfloat16),
    heads=((1, 1), (2, 1), (3, 3), (4, 2), (6, 2), (8, 8)),
    widths=((5, 7, 2), (1, 1, 1), (8, 16, 3), (13, 3, 5), (32, 33, 4)),
    returns=("out", "weights", "state"),
    dropout=(0.0, 0.4),
    scale=(None, -0.6),
)
ZOO = ga.testing.zoo()
GRAPHS = itertools.cycle(("unsorted", "more_sources", "isolated_nodes", "duplicate_edges"))


@pytest.mark.parametrize(("case", "name"), list(zip(CASES, GRAPHS, strict=False)), ids=str)
def test_every_pair_of_choices(case, name):
    assert_as_good_as_plain_torch(case, ZOO[name], tensors(case, ZOO[name]))


@pytest.mark.parametrize("name", sorted(ZOO))
def test_on_the_zoo(name):
    for case in (Case(edges="everything", heads=(4, 2)), Case("sum", "relu", "value"), Case("additive tanh")):
        assert_as_good_as_plain_torch(case, ZOO[name], tensors(case, ZOO[name]))


@pytest.mark.parametrize("case", pairwise(score=SCORES, normalize=NORMALIZERS), ids=str)
def test_of_zeros(case):
    """Where all scores are the same, and on the kink of each ReLU."""
    assert_as_good_as_plain_torch(case, ZOO["unsorted"], tensors(case, ZOO["unsorted"], size=0.0))
