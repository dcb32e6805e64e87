"""Attention on each kind of graph equals attention on its edges listed one by one, and under a dense mask."""

import functools
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

import graphattn as ga
from graphattn.graph import Graph
from graphattn.ops import fallbacks

HEADS, KEY_HEADS, WIDTH, VALUE_WIDTH = 6, 2, 3, 5
BORDERS = st.sampled_from(["truncate", "shift", "periodic"])


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def tensors(graph, seed=0):
    """Queries, keys and values, float64, fewer key heads than query heads."""
    sizes = [
        (graph.num_dst, HEADS, WIDTH),
        (graph.num_src, KEY_HEADS, WIDTH),
        (graph.num_src, KEY_HEADS, VALUE_WIDTH),
    ]
    return [torch.randn(size, dtype=torch.float64, generator=seeded(seed)).requires_grad_() for size in sizes]


def counts(graph):
    """How many edges lead from each source to each destination, `[M, N]`."""
    matrix = torch.zeros(graph.num_dst, graph.num_src, dtype=torch.float64)
    src, dst = graph.edge_index
    return matrix.index_put((dst, src), torch.ones(src.numel(), dtype=torch.float64), accumulate=True)


def masked(q, k, v, count):
    """Softmax attention over all pairs, each weighted with a count; nothing for those who see nobody."""
    k, v = (tensor.repeat_interleave(HEADS // KEY_HEADS, dim=1) for tensor in (k, v))
    power = count.unsqueeze(1) * (torch.einsum("ihd,jhd->ihj", q, k) * WIDTH**-0.5).exp()
    total = power.sum(2, keepdim=True)
    return torch.einsum("ihj,jhv->ihv", power / total.where(total > 0, 1), v)


def with_gradients(attend, inputs):
    out = attend(*inputs)
    out_grad = torch.randn(out.shape, dtype=out.dtype, generator=seeded(1))
    return [out, *torch.autograd.grad(out, inputs, out_grad)]


def check(graph, count=None):
    """Check the kind, whatever path it takes, against its edges and against a mask, with all gradients."""
    inputs = tensors(graph)
    listed = Graph(graph.edge_index, num_dst=graph.num_dst, num_src=graph.num_src)
    count = counts(graph) if count is None else count
    ours = with_gradients(lambda q, k, v: ga.attention(q, k, v, graph), inputs)
    for other in (
        with_gradients(lambda q, k, v: ga.attention(q, k, v, listed), inputs),
        with_gradients(lambda q, k, v: ga.attention(q, k, v, listed, backend="reference"), inputs),
        with_gradients(lambda q, k, v: masked(q, k, v, count), inputs),
    ):
        for mine, theirs in zip(ours, other, strict=True):
            assert_close(mine, theirs)


@st.composite
def windows(draw):
    border, radius, dilation = draw(BORDERS), draw(st.integers(0, 4)), draw(st.integers(1, 3))
    fewest = 0 if border == "truncate" else (2 * radius + 1) * dilation
    causal = border == "truncate" and draw(st.booleans())
    return ga.window(draw(st.integers(fewest, 19 + fewest)), radius, causal, dilation=dilation, border=border)


@st.composite
def grids(draw):
    border, axes = draw(BORDERS), draw(st.integers(1, 3))
    kernel_size, dilation = (draw(st.tuples(*[st.integers(1, most)] * axes)) for most in (4, 2))
    fewest = [0 if border == "truncate" else k * d for k, d in zip(kernel_size, dilation, strict=True)]
    most = {1: 17, 2: 5, 3: 2}[axes]
    shape = draw(st.tuples(*(st.integers(low, low + most) for low in fewest)))
    return ga.grid(shape, kernel_size, dilation=dilation, border=border)


@st.composite
def others(draw):
    n, seed = draw(st.integers(0, 19)), draw(st.integers(0, 99))
    choices = [
        ga.complete(n),
        ga.causal(n),
        ga.bipartite(n, draw(st.integers(0, 11))),
        ga.strided(n, draw(st.integers(1, 7)), draw(st.booleans())),
        ga.hub(n, draw(st.sets(st.integers(0, n - 1), max_size=3)) if n else []),
        ga.random_regular(n, draw(st.integers(0, max(n - 1, 0))), generator=seeded(seed)),
        ga.expander(n + 3, 2 * draw(st.integers(1, (n + 5) // 4)), generator=seeded(seed)),
        ga.knn(torch.randn(n, 2, generator=seeded(seed)), draw(st.integers(0, 5))),
        ga.radius(torch.randn(n, 2, generator=seeded(seed)), draw(st.floats(0, 2))),
        ga.lsh(
            torch.randn(n, 4, generator=seeded(seed)), 4, rounds=2, causal=draw(st.booleans()), generator=seeded(seed)
        ),
    ]
    return draw(st.sampled_from(choices))


@given(windows())
@settings(max_examples=40, deadline=None)
def test_windows(graph):
    check(graph)


@given(grids())
@settings(max_examples=40, deadline=None)
def test_grids(graph):
    check(graph)


@given(others())
@settings(max_examples=80, deadline=None)
def test_other_kinds(graph):
    check(graph)


@given(st.lists(windows() | grids() | others(), min_size=1, max_size=3))
@settings(max_examples=30, deadline=None)
def test_a_batch_of_mixed_kinds_is_its_graphs_apart(parts):
    graph = ga.batch(parts)
    check(graph, torch.block_diag(*map(counts, parts)))
    q, k, v = tensors(graph)
    pieces = (
        q.split([part.num_dst for part in parts]),
        k.split([part.num_src for part in parts]),
        v.split([part.num_src for part in parts]),
    )
    apart = [ga.attention(*piece) for piece in zip(*pieces, parts, strict=True)]
    assert_close(ga.attention(q, k, v, graph), torch.cat(apart))


@given(st.data(), st.sampled_from(["once", "add"]))
@settings(max_examples=40, deadline=None)
def test_a_union_is_the_mask_of_its_parts(data, overlap):
    parts = data.draw(st.lists(others(), min_size=1, max_size=3))
    n = max(part.num_dst for part in parts)
    square = [Graph(part.edge_index, n) for part in parts if part.num_dst == part.num_src]  # all on n nodes
    square.append(ga.window(n, data.draw(st.integers(0, 3))))
    each = torch.stack([counts(part) for part in square])
    check(ga.union(*square, overlap=overlap), each.amax(0) if overlap == "once" else each.sum(0))


@pytest.mark.parametrize("overlap", ["once", "add"])
def test_bigbird_and_exphormer(overlap):
    n, generator = 31, seeded(3)
    sparse = Graph(torch.randint(n - 1, (2, 61), generator=generator), n).remove_self_loops()[0]
    sparse = Graph(sparse.edge_index.unique(dim=1), n)
    bigbird = [ga.window(n, 2), ga.hub(n, [0, 7]), ga.random_regular(n, 3, generator=generator)]
    exphormer = [sparse, ga.hub(n, [n - 1]), ga.expander(n, 4, generator=generator)]
    for parts in (bigbird, exphormer):
        together = sum(map(counts, parts))
        assert together.max() > 1  # they do overlap
        check(ga.union(*parts, overlap=overlap), together.clamp(max=1) if overlap == "once" else together)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_nodes(n):
    for graph in (
        ga.complete(n),
        ga.causal(n),
        ga.window(n, radius=5),
        ga.window(n, radius=5, causal=True, dilation=2),
        ga.dilated(n, 3, 7),
        ga.grid(n, kernel_size=4),
        ga.grid((n, n), kernel_size=(5, 2)),
        ga.grid((n, 1, n), kernel_size=6, dilation=2),
        ga.strided(n, 3),
        ga.hub(n, min(n, 1)),
        ga.random_regular(n, max(n - 1, 0)),
        ga.knn(torch.arange(2.0 * n).view(n, 2), 3),
        ga.radius(torch.arange(2.0 * n).view(n, 2), 3),
        ga.lsh(torch.arange(2.0 * n).view(n, 2), 2),
        ga.union(ga.window(n, 1), ga.complete(n)),
        ga.batch([ga.window(n, 1), ga.complete(n), ga.hub(2, 1)]),
    ):
        check(graph)


@pytest.mark.parametrize("border", ["truncate", "shift", "periodic"])
@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_windows_larger_than_the_graph_are_right_or_say_what_fits(n, border):
    made = 0
    for width, dilation in itertools.product([1, 2, 3, 4, 11], [1, 2, 3]):
        for build in (
            lambda w=width, d=dilation: ga.window(n, w // 2, dilation=d, border=border),
            lambda w=width, d=dilation: ga.grid((n, 2), w, dilation=d, border=border),
            lambda w=width, d=dilation: ga.grid((2, n, 1), (1, w, 1), dilation=d, border=border),
        ):
            try:
                graph = build()
            except ValueError as error:
                assert border != "truncate"
                assert "one of" in str(error) and str(error).endswith("at most; use 'truncate'")
                continue
            made += 1
            tiles, want = (
                with_gradients(functools.partial(ga.attention, graph=graph, backend=backend), tensors(graph))
                for backend in ("block", "reference")
            )
            for mine, other in zip(tiles, want, strict=True):
                assert_close(mine, other)
    assert made >= 3


KINDS = {
    "complete": ga.complete([5, 7]),
    "causal": ga.causal(11),
    "bipartite": ga.bipartite([3, 5], [7, 2]),
    "window": ga.window([7, 11], radius=2, border="shift"),
    "dilated": ga.dilated(13, radius=1, dilation=3, border="periodic"),
    "strided": ga.strided(17, stride=3, causal=True),
    "grid": ga.grid([(3, 5), (4, 3)], kernel_size=3),
    "hub": ga.hub([7, 5], hubs=2),
    "random_regular": ga.random_regular([7, 5], degree=3, generator=seeded(0)),
    "expander": ga.expander(11, degree=4, generator=seeded(0)),
    "knn": ga.knn(torch.randn(13, 2, generator=seeded(0)), k=3),
    "radius": ga.radius(torch.randn(13, 2, generator=seeded(0)), r=1.0),
    "lsh": ga.lsh(torch.randn(13, 4, generator=seeded(0)), num_buckets=4, generator=seeded(0)),
    "batch": ga.batch([ga.window(5, radius=1), ga.hub(3, hubs=1)]),
    "union": ga.union(ga.window(13, radius=1), ga.hub(13, hubs=1), ga.expander(13, degree=4, generator=seeded(0))),
}


def assert_same_with_gradients(function, same, inputs):
    found, want = (with_gradients(each, inputs) for each in (function, same))
    for mine, other in zip(found, want, strict=True):
        assert_close(mine, other)


@pytest.mark.parametrize("name", KINDS)
def test_in_a_layer_and_a_compiled_function(name):
    graph = KINDS[name]
    torch.manual_seed(0)
    layer = ga.nn.MultiheadAttention(6, 2)
    inputs = [torch.randn(n, 6, requires_grad=True) for n in (graph.num_dst, graph.num_src)]
    torch.compiler.reset()
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    assert_same_with_gradients(lambda x, y: compiled(x, graph, y), lambda x, y: layer(x, graph, y), inputs)


DROP_IN = {
    "TransformerConv": {},
    "GATConv": {"add_self_loops": False},
    "GATv2Conv": {"add_self_loops": False},
}


@pytest.mark.parametrize("conv", DROP_IN)
@pytest.mark.parametrize("name", KINDS)
def test_in_drop_in_layers_a_kind_is_its_edges(name, conv):
    graph = KINDS[name]
    torch.manual_seed(0)
    layer = getattr(ga.nn, conv)((6, 6), 3, heads=2, **DROP_IN[conv])
    inputs = [torch.randn(n, 6, requires_grad=True) for n in (graph.num_src, graph.num_dst)]
    edge_index = graph.edge_index
    assert_same_with_gradients(lambda x, y: layer((x, y), graph), lambda x, y: layer((x, y), edge_index), inputs)


@pytest.mark.parametrize(
    ("name", "conv"), [("window", "TransformerConv"), ("bipartite", "GATConv"), ("union", "GATv2Conv")]
)
def test_in_compiled_drop_in_layers(name, conv):
    graph = KINDS[name]
    torch.manual_seed(0)
    layer = getattr(ga.nn, conv)((6, 6), 3, heads=2, **DROP_IN[conv])
    inputs = [torch.randn(n, 6, requires_grad=True) for n in (graph.num_src, graph.num_dst)]
    torch.compiler.reset()
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    assert_same_with_gradients(lambda x, y: compiled((x, y), graph), lambda x, y: layer((x, y), graph), inputs)


def test_compiled_with_some_destinations_at_a_time(monkeypatch):
    monkeypatch.setattr(fallbacks, "BUDGET", 2000)
    graph = ga.complete([5, 0, 37])
    inputs = [torch.randn(42, 2, 4, requires_grad=True) for _ in range(3)]

    def attend(q, k, v):
        return ga.attention(q, k, v, graph, normalize="relu")

    torch.compiler.reset()
    compiled = torch.compile(attend, backend="aot_eager", fullgraph=True)
    assert_same_with_gradients(compiled, attend, inputs)
