"""Linear attention: against the reference on every kind of graph, and its cost."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import graphattn as ga
from graphattn.nn.functional import elu_features

GRAPHS = {
    "complete": ga.complete(11),
    "complete, unequal sizes": ga.complete([3, 0, 7, 3]),
    "causal": ga.causal(11),
    "causal, chunks": ga.causal(150),
    "causal, unequal sizes": ga.causal([65, 0, 7, 64, 7]),
    "bipartite": ga.bipartite([3, 5, 2], [7, 1, 11]),
    "no sources in one of two": ga.bipartite([3, 5], [0, 7]),
    "window": ga.window(23, 3),
    "edges": ga.Graph(torch.tensor([[0, 1, 1, 4], [2, 2, 0, 0]]), 5),
    "union": ga.union(ga.window(7, 1), ga.Graph(torch.tensor([[0, 5], [3, 0]]), 7)),
    "no nodes": ga.complete(0),
    "one node": ga.causal(1),
}
HEADS = [(3, 3), (6, 2), (5, 1)]


def run(graph, heads, backend, scale=None):
    drawn = torch.Generator().manual_seed(0)
    H, Hk = heads
    shapes = (graph.num_dst, H, 5), (graph.num_src, Hk, 5), (graph.num_src, Hk, 7)
    leaves = [torch.randn(shape, generator=drawn, dtype=torch.float64).requires_grad_() for shape in shapes]
    q, k = elu_features(*leaves[:2])
    out = ga.attention(q, k, leaves[2], graph, normalize="linear", scale=scale, backend=backend)
    loss = (out * torch.arange(out.numel()).view_as(out).cos()).sum()
    return [out.detach(), *torch.autograd.grad(loss, leaves, allow_unused=True)]


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("name", GRAPHS)
def test_output_and_gradients_of_the_reference(name, heads):
    graph = GRAPHS[name]
    for found, want in zip(run(graph, heads, "linear"), run(graph, heads, "reference"), strict=True):
        torch.testing.assert_close(found, want)


@pytest.mark.parametrize("scale", [0.0, 0.3])
def test_scale(scale):
    graph = GRAPHS["causal"]
    found, want = (run(graph, (3, 3), backend, scale)[0] for backend in ("linear", "reference"))
    torch.testing.assert_close(found, want)


@pytest.mark.parametrize("kind", [ga.complete, ga.causal])
def test_the_cost_grows_with_the_nodes(kind):
    flops = []
    for n in (1024, 2048):
        q = torch.rand(n, 2, 16, requires_grad=True)
        with FlopCounterMode(display=False) as counter:
            ga.attention(q, q, q, kind(n), normalize="linear").sum().backward()
        flops.append(counter.get_total_flops())
    assert flops[0] > 0
    assert flops[1] == 2 * flops[0]


REFUSED = {
    "normalizer": ({"normalize": "softmax"}, 'it computes score="dot" with normalize="linear" only'),
    "score": ({"score": "cosine"}, 'it computes score="dot" with normalize="linear" only'),
    "edges": ({"edge_bias": torch.zeros(25, 2)}, "it takes no edge tensors"),
    "dropout": ({"dropout": 0.1}, "it has no weights for dropout to act on"),
    "weights": ({"return_weights": True}, "it gives no weights"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case):
    options, why = REFUSED[case]
    q = torch.ones(5, 2, 3)
    with pytest.raises(ValueError, match=f"backend='linear' cannot run this call: {why}"):
        ga.attention(q, q, q, ga.complete(5), backend="linear", **{"normalize": "linear", **options})
