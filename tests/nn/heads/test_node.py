"""One output per node."""

import pytest
import torch

import graphattn as ga
from graphattn.nn import NodeHead

EMBED, SIZES = 6, [4, 1, 3]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_node_head():
    head, x = NodeHead(EMBED, 5, dropout=0.5).eval(), torch.randn(8, EMBED)
    torch.testing.assert_close(head(x, ga.complete(SIZES)), x @ head.out.weight.T + head.out.bias)
    head.train()
    assert not torch.equal(head(x), head(x))
