"""The dense path: against the reference, and against PyTorch's own attention."""

import pytest
import tiled_cases
import torch
import torch.nn.functional as F

import graphattn as ga

GRAPHS = {
    "complete": ga.complete(7),
    "complete of one node": ga.complete(1),
    "complete, equal sizes": ga.complete([5, 5, 5]),
    "complete, unequal sizes": ga.complete([3, 0, 7, 1]),
    "no nodes": ga.complete(0),
    "no graphs": ga.complete([]),
    "only empty graphs": ga.complete([0, 0]),
    "causal": ga.causal(7),
    "causal, equal sizes": ga.causal([5, 5]),
    "causal, unequal sizes": ga.causal([3, 0, 7, 1]),
    "bipartite": ga.bipartite(3, 7),
    "bipartite, equal sizes": ga.bipartite([3, 3], [7, 7]),
    "bipartite, unequal sizes": ga.bipartite([3, 5, 2], [7, 1, 11]),
    "no sources": ga.bipartite(3, 0),
    "no destinations": ga.bipartite(0, 3),
    "no sources in one of two": ga.bipartite([3, 5], [0, 7]),
}
WITHOUT_SOURCE = ["no nodes", "no graphs", "only empty graphs", "no sources"]
HEADS = [(3, 3), (6, 2), (5, 1)]


def inputs(graph, heads=3, key_heads=3, width=5, value_width=11, dtype=torch.float64):
    drawn = torch.Generator().manual_seed(0)
    shapes = (graph.num_dst, heads, width), (graph.num_src, key_heads, width), (graph.num_src, key_heads, value_width)
    return [torch.randn(shape, generator=drawn, dtype=dtype) for shape in shapes]


def run(graph, tensors, backend, scale=None):
    """The output, and all gradients of a loss that weighs each of its numbers differently."""
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    out = ga.attention(*leaves, graph, scale=scale, backend=backend)
    (out * torch.arange(out.numel()).view_as(out).cos()).sum().backward()
    return [out.detach(), *(leaf.grad for leaf in leaves)]


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("name", sorted(set(GRAPHS) - set(WITHOUT_SOURCE)))
def test_output_and_gradients_of_the_reference(name, heads):
    graph = GRAPHS[name]
    tensors = inputs(graph, *heads)
    for found, want in zip(run(graph, tensors, "dense"), run(graph, tensors, "reference"), strict=True):
        torch.testing.assert_close(found, want)


@pytest.mark.parametrize("name", WITHOUT_SOURCE)
def test_outputs_without_a_source(name):
    graph = GRAPHS[name]
    out = ga.attention(*inputs(graph), graph, backend="dense")
    assert torch.equal(out, torch.zeros(graph.num_dst, 3, 11, dtype=torch.float64))


@pytest.mark.parametrize("name", WITHOUT_SOURCE)
def test_gradients_without_a_source(name):
    graph = GRAPHS[name]
    for found, want in zip(*(run(graph, inputs(graph), name) for name in ("dense", "reference")), strict=True):
        torch.testing.assert_close(found, want)


@pytest.mark.parametrize("scale", [0.0, 0.3])
def test_scale(scale):
    graph = GRAPHS["causal, unequal sizes"]
    for found, want in zip(*(run(graph, inputs(graph), name, scale) for name in ("dense", "reference")), strict=True):
        torch.testing.assert_close(found, want)


@pytest.mark.parametrize("causal", [False, True])
def test_it_is_scaled_dot_product_attention(causal):
    graph = (ga.causal if causal else ga.complete)([7, 7])
    leaves = [tensor.requires_grad_() for tensor in inputs(graph)]
    batched = [tensor.view(2, 7, 3, -1).transpose(1, 2) for tensor in leaves]
    want = F.scaled_dot_product_attention(*batched, is_causal=causal).transpose(1, 2).reshape(14, 3, 11)
    weight = torch.randn_like(want)
    for same in (graph, ga.Graph(graph.edge_index, graph.num_nodes)):
        out = ga.attention(*leaves, same)
        torch.testing.assert_close(out, want)
        found, wanted = (torch.autograd.grad((x * weight).sum(), leaves, retain_graph=True) for x in (out, want))
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("causal", [False, True])
def test_long_sequences(causal):
    graph = (ga.causal if causal else ga.complete)(600)
    found, want = (run(graph, inputs(graph, 4, 2, 3, 3), name) for name in ("dense", "reference"))
    for mine, other in zip(found, want, strict=True):
        torch.testing.assert_close(mine, other)


def test_no_edges_are_made():
    graph = ga.complete([100_003, 2])  # 10^10 edges
    q = torch.zeros(100_005, 1, 1)
    assert ga.explain_backend(q, q, q, graph).backend == "dense"


def test_half_precision():
    graph = GRAPHS["causal, unequal sizes"]
    tensors = inputs(graph, dtype=torch.bfloat16)
    out = ga.attention(*tensors, graph, backend="dense")
    assert out.dtype == torch.bfloat16
    exact = ga.attention(*(tensor.double() for tensor in tensors), graph, backend="reference")
    torch.testing.assert_close(out.double(), exact, atol=2e-2, rtol=2e-2)


@pytest.mark.parametrize(
    "graph",
    [
        ga.complete([3, 5, 3, 1, 5, 5]),
        ga.causal([2, 4, 2, 0, 0]),
        ga.bipartite([2, 3, 2, 0, 0], [4, 0, 4, 5, 5]),
        ga.bipartite([2, 2, 3], [0, 0, 4]),
    ],
    ids=str,
)
def test_graphs_of_several_sizes_some_of_them_repeated(graph):
    torch.manual_seed(0)
    q, k, v = (torch.randn(n, 2, 3, dtype=torch.float64) for n in (graph.num_dst, graph.num_src, graph.num_src))
    inputs = [tensor.requires_grad_() for tensor in (q, k, v)]
    out, want = (ga.attention(*inputs, graph, backend=backend) for backend in ("dense", "reference"))
    torch.testing.assert_close(out, want)
    weight = torch.randn_like(out)
    torch.testing.assert_close(*(torch.autograd.grad((each * weight).sum(), inputs) for each in (out, want)))


@pytest.mark.parametrize("bias", [None, "bias", "hidden"])
@pytest.mark.parametrize("heads", tiled_cases.HEADS)
@pytest.mark.parametrize("name", sorted(set(GRAPHS) - set(WITHOUT_SOURCE)))
def test_states_biases_and_widths(name, heads, bias):
    graph = GRAPHS[name]
    found, want = (tiled_cases.results(graph, heads, backend=each, bias=bias) for each in ("dense", "reference"))
    for mine, other in zip(found, want, strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("bias", [None, "bias"])
@pytest.mark.parametrize("heads", tiled_cases.HEADS)
@pytest.mark.parametrize("name", sorted(set(GRAPHS) - set(WITHOUT_SOURCE)))
def test_dropout_draws_the_mask_of_the_reference(name, heads, bias):
    graph = GRAPHS[name]
    found, want = (tiled_cases.dropped(graph, heads, backend=each, bias=bias) for each in ("dense", "reference"))
    for mine, other in zip(found, want, strict=True):
        torch.testing.assert_close(mine, other)


def test_dropout_draws_the_mask_of_the_fused_kernels():
    pytest.importorskip("numba")
    graph = ga.causal([300, 7])
    found, want = (tiled_cases.dropped(graph, (4, 2, 3, 3), backend=each) for each in ("dense", "numba"))
    for mine, other in zip(found, want, strict=True):
        torch.testing.assert_close(mine, other)


def test_more_rows_than_one_tile():
    graph = ga.causal([300, 7])
    found, want = (
        tiled_cases.results(graph, (2, 1, 3, 3), backend=each, bias="bias") for each in ("dense", "reference")
    )
    for mine, other in zip(found, want, strict=True):
        torch.testing.assert_close(mine, other)


def test_cosine():
    graph, score = GRAPHS["causal, unequal sizes"], ga.scores.Cosine(3.0)
    q, k, v = inputs(graph)
    found, want = (ga.attention(q, k, v, graph, score=score, backend=each) for each in ("dense", "reference"))
    torch.testing.assert_close(found, want)


def test_sizes_that_come_again_run_together(monkeypatch):
    graph = ga.complete([3, 5, 3, 0, 5, 3])
    shapes = []
    run = F.scaled_dot_product_attention
    monkeypatch.setattr(
        F, "scaled_dot_product_attention", lambda q, *rest, **more: (shapes.append(q.shape), run(q, *rest, **more))[1]
    )
    q, k, v = inputs(graph, width=4, value_width=4)
    out = ga.attention(q, k, v, graph, backend="dense")
    assert [tuple(shape) for shape in shapes] == [(3, 3, 3, 4), (2, 3, 5, 4)]  # no size 0, nothing padded
    monkeypatch.undo()
    torch.testing.assert_close(out, ga.attention(q, k, v, graph, backend="reference"))


@pytest.mark.slow
def test_batches_of_unequal_sizes_compile_whole():
    graph = ga.complete([3, 5, 3])
    q, k, v = inputs(graph, width=4, value_width=4, dtype=torch.float32)
    compiled = torch.compile(
        lambda q, k, v: ga.attention(q, k, v, graph, backend="dense"), fullgraph=True, backend="eager"
    )
    torch.testing.assert_close(compiled(q, k, v), ga.attention(q, k, v, graph, backend="dense"))
