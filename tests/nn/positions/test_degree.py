"""The degree encoding."""

import torch

import graphattn as ga
from graphattn.nn.positions import (
    DegreeEncoding,
)


def test_degree():
    layer = DegreeEncoding(1, 3)
    got = layer(ga.Graph(torch.tensor([[0, 1, 2], [1, 1, 1]]), 4))
    z_in, z_out = layer.of_in.weight, layer.of_out.weight
    want = torch.stack([z_in[0] + z_out[1], z_in[1] + z_out[1], z_in[0] + z_out[1], z_in[0] + z_out[0]])
    torch.testing.assert_close(got, want)
