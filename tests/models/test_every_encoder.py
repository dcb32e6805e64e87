"""What holds for every encoder: parts of a batch are apart, dtypes stay, all of it learns, every head goes on top."""

import pytest
import torch
from every_encoder import EMBED, ENCODERS, graph_for, sizes_for

import graphattn as ga
from graphattn.nn import GraphHead, NodeHead, Seq2SeqHead


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def run(encoder, x, sizes):
    torch.manual_seed(1)  # Reformer draws a hash at each call
    return encoder(x, ga.complete(sizes))


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_part_gives_what_it_gives_alone_whatever_came_before(kind):
    encoder, sizes = ENCODERS[kind]().double().eval(), sizes_for(kind)
    x = torch.randn(sum(sizes), EMBED, dtype=torch.float64)
    together = run(encoder, x, sizes).split(sizes)
    for part, want in zip(x.split(sizes), together, strict=True):
        if len(part):
            torch.testing.assert_close(run(encoder, part, [len(part)]), want)


@pytest.mark.parametrize("kind", ENCODERS)
def test_no_gradient_goes_from_part_to_part(kind):
    encoder, sizes = ENCODERS[kind]().double().eval(), sizes_for(kind)
    x = torch.randn(sum(sizes), EMBED, dtype=torch.float64, requires_grad=True)
    run(encoder, x, sizes)[-sizes[-1] :].square().sum().backward()
    assert x.grad[: -sizes[-1]].abs().max() == 0
    assert x.grad[-sizes[-1] :].abs().max() > 1e-9


@pytest.mark.parametrize("kind", ENCODERS)
def test_saved_weights_are_the_whole_encoder(kind):
    first, second, sizes = ENCODERS[kind]().eval(), ENCODERS[kind]().eval(), sizes_for(kind)
    second.load_state_dict(first.state_dict())
    x = torch.randn(sum(sizes), EMBED)
    assert torch.equal(run(second, x, sizes), run(first, x, sizes))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("kind", ENCODERS)
def test_dtypes(kind, dtype):
    encoder, sizes = ENCODERS[kind]().to(dtype), sizes_for(kind)
    x = torch.randn(sum(sizes), EMBED, dtype=dtype, requires_grad=True)
    out = run(encoder, x, sizes)
    assert (out.dtype, out.shape) == (dtype, x.shape)
    out.sum().backward()
    assert out.isfinite().all() and x.grad.isfinite().all()


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_gradient_reaches_every_parameter(kind):
    encoder, sizes = ENCODERS[kind]().double(), sizes_for(kind)
    run(encoder, torch.randn(sum(sizes), EMBED, dtype=torch.float64), sizes).sin().sum().backward()
    for name, parameter in encoder.named_parameters():
        if not name.endswith(("k_proj.bias", "k_global.bias")):  # has no effect on a softmax of dot products
            assert parameter.grad is not None and parameter.grad.abs().max() > 1e-9, name


@pytest.mark.parametrize("kind", ENCODERS)
def test_every_head(kind):
    graph = graph_for(kind)
    nodes = ENCODERS[kind]()(torch.randn(graph.num_nodes, EMBED), graph)
    assert NodeHead(EMBED, 3)(nodes, graph).shape == (graph.num_nodes, 3)
    for pooling in ("mean", "attention"):
        assert GraphHead(EMBED, 3, pooling=pooling)(nodes, graph).shape == (graph.num_graphs, 3)
    head = Seq2SeqHead(7, 8, 2, 1, start=5, end=6, memory_dim=EMBED)
    head.loss(nodes, graph, [torch.tensor([1, 2])] * graph.num_graphs).backward()
    assert len(head.eval().generate(nodes, graph, max_length=3)) == graph.num_graphs


@pytest.mark.parametrize("kind", ["neighborhood", "axial"])
def test_nodes_that_are_not_the_cells_of_an_image(kind):
    encoder = ENCODERS[kind]()
    for sizes in ([10, 14], [13]):
        with pytest.raises(ValueError, match=rf"shape \(4, 3\) have 12 cells, got a graph of {sizes[0]} nodes"):
            encoder(torch.randn(sum(sizes), EMBED), ga.complete(sizes))
