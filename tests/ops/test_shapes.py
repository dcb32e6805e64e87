"""The operator on "meta" and with fake tensors, on every kind of graph: shapes, and no numbers."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

import graphattn as ga

N, H, D = 12, 2, 4
GRAPHS = {
    "edges": lambda device: ga.Graph(torch.arange(20, device=device).view(2, 10) % N, N),
    "complete": lambda device: ga.complete([5, 7], device=device),
    "causal": lambda device: ga.causal(N, device=device),
    "window": lambda device: ga.window(N, radius=2, device=device),
    "grid": lambda device: ga.grid((4, 3), 3, device=device),
    "bipartite": lambda device: ga.bipartite(N, N, device=device),
    "strided": lambda device: ga.strided(N, 3, device=device),
    "hub": lambda device: ga.hub(N, hubs=2, device=device),
    "batch": lambda device: ga.batch([ga.complete(5, device=device), ga.window(7, radius=1, device=device)]),
}


@pytest.mark.parametrize("options", [{}, {"normalize": "entmax15"}, {"dropout": 0.5}, {"return_state": True}], ids=str)
@pytest.mark.parametrize("fake", [False, True], ids=["meta", "fake"])
@pytest.mark.parametrize("kind", GRAPHS)
def test_shapes(kind, fake, options):
    device = "cpu" if fake else "meta"
    with FakeTensorMode() if fake else torch.device("cpu"):
        graph = GRAPHS[kind](device)
        q, k, v = (torch.empty(N, H, D, device=device, requires_grad=True) for _ in range(3))
        out = ga.attention(q, k, v, graph, **options)
        if options.get("return_state"):
            assert out.lse.shape == (N, H)
            out = out.out
        out.sum().backward()
    assert out.shape == (N, H, D)
    assert out.device.type == device
    assert q.grad.shape == (N, H, D)


@pytest.mark.parametrize("fake", [False, True], ids=["meta", "fake"])
def test_nodes_that_cannot_be_counted(fake):
    with FakeTensorMode() if fake else torch.device("meta"):
        edges = torch.zeros(2, 3, dtype=torch.int64)
        with pytest.raises(ValueError, match="edge_index is on meta or fake, so its nodes cannot be counted"):
            ga.Graph(edges)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2], ids=str)
def test_numbers_of_eight_bits(dtype):
    x = torch.ones(3, 1, 4).to(dtype)
    with pytest.raises(TypeError, match=f"v is {dtype}, .* cast it to torch.float16, bfloat16 or float32 first"):
        ga.attention(x, x, x, ga.complete(3))
