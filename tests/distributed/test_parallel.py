"""Training on several processes is training on one."""

import distributed_work as work
import pytest
import torch

from graphattn import distributed as gd
from graphattn.nn import GATConv


@pytest.mark.parametrize("layer", ["GATConv", "GATv2Conv", "TransformerConv"])
@pytest.mark.parametrize(("size", "method"), [(2, "odd"), (4, "balanced")])
def test_losses_and_parameters_are_those_of_one_process(team, layer, size, method):
    losses, parameters = work.train(None, layer, 20)
    for found, others in team.run(work.train, size, layer, 20, method):
        torch.testing.assert_close(found, losses, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(others, parameters, rtol=1e-7, atol=1e-7)
    assert losses[-1] < losses[0]


def test_a_model_without_layers_is_refused():
    part = gd.Part.__new__(gd.Part)
    part.num_src = part.num_dst = 3
    with pytest.raises(ValueError, match="Linear has no message-passing layer"):
        gd.parallelize(torch.nn.Linear(2, 2), part)
    part.num_src = 4
    with pytest.raises(ValueError, match="one set"):
        gd.parallelize(GATConv(2, 2), part)
