"""HGTConv and HANConv against PyG's."""

import pytest
import torch
from pyg_twin import assert_same, twins
from torch.testing import assert_close

import graphattn as ga

pyg = pytest.importorskip("torch_geometric")

from torch_geometric import nn as theirs  # noqa: E402

IN, OUT, HEADS, EDGE, RELATIONS = 6, 7, 3, 2, 4


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def edges():
    """Duplicate edges, two self-loops (one of them twice), and a node without other edges."""
    return torch.tensor([[0, 1, 1, 2, 2, 4, 1, 0], [1, 1, 0, 1, 2, 3, 1, 1]])


def kinds():
    x = {"a": numbers(6, IN), "b": numbers(4, IN), "c": numbers(3, IN)}
    links = {
        ("a", "to", "b"): torch.tensor([[0, 1, 5, 5, 5], [0, 0, 3, 3, 1]]),
        ("b", "to", "a"): torch.tensor([[0, 1, 3], [0, 0, 5]]),
        ("a", "in", "a"): torch.tensor([[0, 1, 2, 3], [0, 0, 5, 5]]),
        ("a", "to", "c"): torch.empty(2, 0, dtype=torch.int64),
    }
    return x, links


@pytest.mark.parametrize("messages", [False, True])
@pytest.mark.parametrize(("width", "heads"), [(8, 1), (8, 2), (IN, 2)])
@pytest.mark.parametrize("name", ["HGTConv", "HANConv"])
def test_kinds(name, width, heads, messages, monkeypatch):
    x, links = kinds()
    pair = twins(name, dict.fromkeys(x, IN), width, (list(x), list(links)), heads)
    assert repr(pair[0]) == repr(pair[1])
    if messages:
        monkeypatch.setattr(type(pair[0]), "sends_messages", True)
    assert_same(pair, x, links)
    assert_same(pair, x, {kind: edges for kind, edges in links.items() if kind[-1] == "a"})
    if name == "HANConv":
        assert_same(pair, x, links, True)
    as_graphs = {kind: ga.Graph(e, num_src=len(x[kind[0]]), num_dst=len(x[kind[-1]])) for kind, e in links.items()}
    assert_close([*pair[0](x, as_graphs).values()], [*pair[0](x, links).values()])


@pytest.mark.parametrize("name", ["HGTConv", "HANConv"])
def test_kinds_without_nodes(name):
    x, links = {"a": numbers(0, IN)}, {("a", "to", "a"): torch.empty(2, 0, dtype=torch.int64)}
    assert_same(twins(name, {"a": IN}, 8, (list(x), list(links)), 2), x, links)


@pytest.mark.parametrize("name", ["HGTConv", "HANConv"])
def test_widths_of_kinds_found_at_the_first_call(name):
    x, links = kinds()
    x = {kind: features.float() for kind, features in x.items()}
    out = []
    for source in (ga.nn, theirs):
        torch.manual_seed(0)
        layer = getattr(source, name)(-1, 8, (list(x), list(links)), 2)
        out.append([*layer(x, links).values()])
    assert_close(*out)
