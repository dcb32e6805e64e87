"""A graph cut into tiles: the same edges, each once."""

import pytest
import torch

import graphattn as ga
from graphattn.graph import tiles as module
from graphattn.graph.tiles import tiles

GRAPHS = {
    "window": ga.window(37, 3),
    "causal, dilated": ga.window(37, 3, causal=True, dilation=2),
    "shift, dilated": ga.window(41, 4, dilation=3, border="shift"),
    "periodic": ga.window(41, 4, border="periodic"),
    "periodic, dilated, from phase to phase": ga.window(41, 4, dilation=3, border="periodic"),
    "periodic, dilated, phases apart": ga.window(42, 3, dilation=3, border="periodic"),
    "all in reach": ga.window(7, 20),
    "windows of several sizes": ga.window([5, 0, 40, 5], 9),
    "grid": ga.grid((7, 9), 3),
    "grid, even kernel, dilated": ga.grid((7, 9), (3, 4), dilation=(2, 1), border="shift"),
    "grid, periodic, 3-D": ga.grid((5, 7, 4), 3, border="periodic"),
    "grid of one axis": ga.grid(37, 5),
    "kernel larger than the grid": ga.grid([(4, 4), (0, 3), (5, 4)], 9),
    "complete": ga.complete([3, 0, 5, 3]),
    "causal": ga.causal([300, 2]),
    "bipartite": ga.bipartite([3, 2, 0], [5, 0, 4]),
    "one node": ga.window(1, 3),
    "no nodes": ga.grid((0, 4), 3),
    "no graphs": ga.complete([]),
}


@pytest.fixture(params=[2, 128])
def smallest(request, monkeypatch):
    """Many small tiles, or few large ones."""
    monkeypatch.setattr(module, "_FEWEST", request.param)


def edges_of(graph):
    found = []
    for part in module._make(graph):
        shape = part.queries.shape[1], part.sources.shape[1]
        i, j = (torch.ones(shape) if part.seen is None else part.seen).nonzero().T
        for queries, sources in zip(part.queries, part.sources, strict=True):
            found += zip(queries[i].tolist(), sources[j].tolist(), strict=True)
    return found


@pytest.mark.parametrize("name", GRAPHS)
def test_the_tiles_have_the_edges(name, smallest):
    graph = GRAPHS[name]
    src, dst = graph.edge_index.tolist()
    assert sorted(edges_of(graph)) == sorted(zip(dst, src, strict=True))
    assert sum(part.num_edges for part in module._make(graph)) == graph.num_edges


@pytest.mark.parametrize("name", GRAPHS)
def test_each_destination_is_in_one_tile_and_sources_ascend(name, smallest):
    made = module._make(GRAPHS[name])
    queries = [number for part in made for number in part.queries.flatten().tolist()]
    assert len(queries) == len(set(queries))
    assert all(bool((part.sources.diff(dim=1) > 0).all()) for part in made)


def test_tiles_grow_with_the_nodes_not_with_their_square():
    pairs = [sum(part.num_pairs for part in tiles(ga.window(n, 64))) for n in (4096, 8192)]
    assert pairs[1] / pairs[0] == pytest.approx(2, rel=0.02)
    assert pairs[1] < 2 * ga.window(8192, 64).num_edges


def test_they_are_made_once():
    graph = ga.window(20, 2)
    assert tiles(graph) is tiles(graph)


def test_they_follow_the_graph_to_another_device():
    graph = ga.window(20, 2)
    assert tiles(graph)[0].queries.device.type == "cpu"
    assert tiles(graph.to("meta"))[0].queries.device.type == "meta"


def test_edges_alone_have_none():
    assert tiles(ga.Graph(torch.tensor([[0], [1]]))) is None
