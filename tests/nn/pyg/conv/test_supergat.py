"""SuperGATConv: the pairs of its loss, and its memory."""

import pytest
import torch
from pyg_twin import leaves, twins
from torch.testing import assert_close

import graphattn as ga

pyg = pytest.importorskip("torch_geometric")


IN, OUT, HEADS, EDGE, RELATIONS = 6, 7, 3, 2, 4


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def edges():
    """Duplicate edges, two self-loops (one of them twice), and a node without other edges."""
    return torch.tensor([[0, 1, 1, 2, 2, 4, 1, 0], [1, 1, 0, 1, 2, 3, 1, 1]])


@pytest.mark.parametrize("options", [{}, {"attention_type": "SD"}, {"edge_sample_ratio": 0.5}, {"is_undirected": True}])
@pytest.mark.parametrize("given", ["nothing", "batch", "unlinked"])
def test_supergat_compares_linked_and_unlinked_pairs_in_training(options, given):
    pair = twins("SuperGATConv", IN, OUT, HEADS, **options)
    x = numbers(6, IN)
    unlinked = torch.tensor([[0, 3], [5, 4]]) if given == "unlinked" else None
    batch = torch.tensor([0, 0, 0, 1, 1, 1]) if given == "batch" else None
    found = []
    for layer in pair:
        pyg.seed_everything(3)
        out = layer(x, edges(), unlinked, batch)
        loss = layer.get_attention_loss()
        found.append((out, layer.att_x, layer.att_y, loss, torch.autograd.grad(loss, layer.lin.weight)))
    assert_close(found[0], found[1])
    assert pair[0].eval().get_attention_loss().item() == 0


def test_supergat_keeps_nothing_of_the_width_of_the_edges():
    graph = ga.complete(200)
    layer = ga.nn.SuperGATConv(IN, 16, HEADS).eval()
    largest = []

    class Watch(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            out = function(*args, **(kwargs or {}))
            largest.extend(leaf.numel() for leaf in leaves(out).values())
            return out

    graph.csr, graph.csc, graph.edge_index  # noqa: B018  # made before
    with Watch():
        layer(torch.randn(200, IN), graph)
    assert max(largest) < graph.num_edges * HEADS * 2
