"""T5's buckets by the rule of its code."""

import math

import pytest
import torch

import graphattn as ga
from graphattn.nn.positions import (
    RelativeBias,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def t5_bucket(distance, bidirectional, num_buckets, max_distance):
    """T5's own rule, for one number."""
    bucket = 0
    if bidirectional:
        num_buckets //= 2
        bucket += num_buckets if distance > 0 else 0
        distance = abs(distance)
    else:
        distance = -min(distance, 0)
    exact = num_buckets // 2
    if distance < exact:
        return bucket + distance
    wide = exact + int(math.log(distance / exact) / math.log(max_distance / exact) * (num_buckets - exact))
    return bucket + min(wide, num_buckets - 1)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(("num_buckets", "max_distance"), [(32, 128), (8, 20)])
def test_t5_buckets(bidirectional, num_buckets, max_distance):
    bias = RelativeBias(2, num_buckets=num_buckets, max_distance=max_distance, bidirectional=bidirectional)
    distance = torch.arange(-300, 301)
    want = [t5_bucket(each, bidirectional, num_buckets, max_distance) for each in distance.tolist()]
    got = bias.bucket(distance).tolist()
    exact = max_distance / (num_buckets // (4 if bidirectional else 2))
    assert exact > 1
    assert got == want
    graph = ga.window([6, 3], radius=2)
    src, dst = graph.edge_index
    assert torch.equal(bias(graph), bias.table[bias.bucket(src - dst)])
    with pytest.raises(ValueError, match="num_buckets=7"):
        RelativeBias(2, num_buckets=7)
