"""Graphs while PyTorch makes tensors on another device, or of another dtype, than the one they are on."""

import contextlib

import pytest
import torch

import graphattn as ga
from graphattn.graph.tiles import tiles
from graphattn.testing import zoo


@contextlib.contextmanager
def float64():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


DEFAULTS = pytest.mark.parametrize("default", [lambda: torch.device("meta"), float64], ids=["meta", "float64"])

drawn = torch.Generator().manual_seed
points = torch.rand(17, 3, generator=drawn(0))
cloud = torch.tensor([0] * 5 + [1] * 12)
edges = torch.randint(17, (2, 29), generator=drawn(1))
MAKE = {
    "edge_index": lambda: ga.Graph(edges, 17),
    "two sets": lambda: ga.Graph(edges, num_dst=19, num_src=17),
    "no edges": lambda: ga.Graph(edges[:, :0], 3),
    "int32": lambda: ga.Graph(edges.int(), 17),
    "as_graph": lambda: ga.graph.as_graph(edges.clone(), 17, 17),
    "complete": lambda: ga.complete([3, 5]),
    "causal": lambda: ga.causal([3, 5]),
    "bipartite": lambda: ga.bipartite([3, 5], [2, 7]),
    "window": lambda: ga.window([7, 11], 2),
    "window shift": lambda: ga.window(11, 2, dilation=2, border="shift"),
    "window periodic": lambda: ga.window([7, 11], 2, border="periodic"),
    "dilated": lambda: ga.dilated(11, 2, 3),
    "grid": lambda: ga.grid([(3, 5), (4, 7)], 3),
    "grid periodic": lambda: ga.grid((5, 7), (3, 2), border="periodic"),
    "grid shift": lambda: ga.grid((5, 7), (3, 2), border="shift"),
    "hub": lambda: ga.hub([3, 5], [0, 2]),
    "strided": lambda: ga.strided([7, 11], 3),
    "strided causal": lambda: ga.strided(11, 3, causal=True),
    "expander": lambda: ga.expander(11, 4, generator=drawn(0)),
    "expander, dense": lambda: ga.expander(6, 4, generator=drawn(0)),
    "random regular": lambda: ga.random_regular(13, 3, generator=drawn(0)),
    "random regular, dense": lambda: ga.random_regular(7, 5, generator=drawn(0)),
    "knn": lambda: ga.knn(points, 3),
    "knn, several": lambda: ga.knn(points, 3, batch=cloud),
    "knn, one point": lambda: ga.knn(points[:1], 3),
    "radius": lambda: ga.radius(points, 0.5),
    "radius, none": lambda: ga.radius(points[:0], 0.5),
    "radius, several": lambda: ga.radius(points, 0.5, batch=cloud),
    "lsh": lambda: ga.lsh(points, num_buckets=4, rounds=3, generator=drawn(0)),
    "lsh, chunks": lambda: ga.lsh(points, num_buckets=4, chunk_size=3, causal=True, generator=drawn(0)),
    "lsh, several": lambda: ga.lsh(points, num_buckets=4, batch=cloud, generator=drawn(0)),
    "interval": lambda: ga.interval(torch.arange(3, device="cpu"), torch.arange(2, 5, device="cpu"), 5),
    "batch": lambda: ga.batch([ga.Graph(edges, 17), ga.window(5, 1)]),
    "union": lambda: ga.union(ga.window(17, 2), ga.hub(17, 2), ga.Graph(edges, 17)),
    "union, copies stay": lambda: ga.union(ga.window(17, 2), ga.hub(17, 2), overlap="add"),
    "scipy": lambda: ga.from_scipy(ga.Graph(edges, 17).to_scipy()),
    "networkx": lambda: ga.from_networkx(ga.Graph(edges, 17).to_networkx()),
    "torch sparse": lambda: ga.from_torch_sparse(ga.Graph(edges, 17).to_torch_sparse(torch.sparse_coo)),
    "pyg": lambda: ga.from_pyg(ga.Graph(edges, 17).to_pyg()),
}


def everything(graph):
    """All that a graph gives, as tensors in a fixed order."""
    yield from (graph.edge_index, *graph.csr, *graph.csc, graph.in_degree, graph.out_degree)
    yield from (graph.reverse().csr.indices, graph.append_self_loops().csr.indices)
    looped, kept = graph.add_self_loops()
    yield from (kept, *looped.csr, *looped.csc)
    for part in tiles(graph) or ():
        yield from (part.queries, part.sources, part.seen)
    for name in ("offset_index", "batch", "dst_ptr", "src_ptr"):
        if hasattr(graph, name):
            yield getattr(graph, name)
    if isinstance(graph, ga.graph.Union):
        yield from graph.kept
        yield from (part.csr.indices for part, _ in graph.disjoint)
    graph.validate()
    if graph.num_edges:
        for layout in (torch.sparse_coo, torch.sparse_csr, torch.sparse_csc):
            matrix = graph.to_torch_sparse(layout)
            yield matrix.to_dense()
    ga.check_edges()


def assert_the_same(mine, theirs):
    assert len(mine) == len(theirs)
    for one, other in zip(mine, theirs, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert one.device.type == "cpu"
            assert one.dtype == other.dtype
            assert torch.equal(one, other)


@pytest.mark.filterwarnings("ignore:Sparse")
@DEFAULTS
@pytest.mark.parametrize("kind", MAKE)
def test_every_kind_of_graph(kind, default):
    expected = list(everything(MAKE[kind]()))
    with default():
        found = list(everything(MAKE[kind]()))
    assert_the_same(found, expected)


@DEFAULTS
def test_the_zoo(default):
    expected = zoo()
    with default():
        graphs = zoo()
        for name, graph in graphs.items():
            assert graph == expected[name]
            assert_the_same([*graph.csr, *graph.csc], [*expected[name].csr, *expected[name].csc])


def test_a_kind_given_by_a_rule_is_on_the_cpu_unless_told():
    with torch.device("meta"):
        assert ga.window(5, 1).device.type == "cpu"


@DEFAULTS
@pytest.mark.parametrize("style", ["matrix", "network", "neighborhood"])
def test_plots(style, default):
    pytest.importorskip("matplotlib").use("Agg")
    with default():
        for graph in (ga.grid((3, 5), 3), ga.bipartite(2, 3)):
            if style != "neighborhood" or isinstance(graph, ga.graph.Grid):
                graph.plot(style)
