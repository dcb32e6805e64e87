"""Self-loops and their features: as PyG makes them, and what is said about a bad fill value."""

import pytest
import torch

import graphattn as ga
from graphattn.nn.pyg.self_loops import add_self_loops
from graphattn.testing import zoo

FILL = ["add", "mean", "min", "max", "mul", 0.0, 2.5, torch.tensor([1.0, -2.0, 3.0])]
SQUARE = sorted(name for name, graph in zoo().items() if graph.num_dst == graph.num_src)


def numbers(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


GRAPH = ga.Graph(torch.tensor([[0, 1, 1, 2, 2], [1, 1, 0, 1, 2]]), 4)  # loops at 1 and 2; into 1 come edges 0 and 3
ATTR = torch.tensor([2.0, 50.0, 7.0, 3.0, 60.0])


@pytest.mark.parametrize(
    ("fill_value", "loops"),
    [
        ("add", [7.0, 5.0, 0.0, 0.0]),
        ("sum", [7.0, 5.0, 0.0, 0.0]),
        ("mean", [7.0, 2.5, 0.0, 0.0]),
        ("min", [7.0, 2.0, 0.0, 0.0]),
        ("max", [7.0, 3.0, 0.0, 0.0]),
        ("mul", [7.0, 6.0, 1.0, 1.0]),
        (9.0, [9.0] * 4),
        (torch.tensor(9.0), [9.0] * 4),
    ],
)
def test_by_hand(fill_value, loops):
    graph, attr = add_self_loops(GRAPH, ATTR, fill_value)
    assert graph.edge_index.tolist() == [[0, 1, 2, 0, 1, 2, 3], [1, 0, 1, 0, 1, 2, 3]]
    assert attr.tolist() == [2.0, 7.0, 3.0, *loops]


@pytest.mark.parametrize("fill_value", FILL, ids=str)
@pytest.mark.parametrize("name", SQUARE)
def test_as_pyg(name, fill_value):
    utils = pytest.importorskip("torch_geometric.utils")
    graph = zoo()[name]
    attr = numbers(graph.num_edges, 3).requires_grad_()
    if isinstance(fill_value, torch.Tensor):
        fill_value = fill_value.double()
    looped, found = add_self_loops(graph, attr, fill_value)
    edge_index, want = utils.remove_self_loops(graph.edge_index, attr)
    edge_index, want = utils.add_self_loops(edge_index, want, fill_value, graph.num_nodes)
    assert torch.equal(looped.edge_index, edge_index)
    torch.testing.assert_close(found, want)
    weight = numbers(*found.shape)
    ours, theirs = (torch.autograd.grad((out * weight).sum(), attr, allow_unused=True)[0] for out in (found, want))
    torch.testing.assert_close(ours, theirs)


def test_without_features():
    graph, attr = add_self_loops(GRAPH, None)
    assert graph.num_edges == 7
    assert attr is None


def test_two_node_sets_get_loops_where_both_have_a_node():
    edges = torch.tensor([[4, 0, 1], [2, 0, 0]])
    graph, attr = add_self_loops(ga.Graph(edges, num_dst=3, num_src=5), torch.tensor([1.0, 99.0, 5.0]), "add")
    assert graph.edge_index.tolist() == [[4, 1, 0, 1, 2], [2, 0, 0, 1, 2]]
    assert attr.tolist() == [1, 5, 5, 0, 1]
    # PyG fails here: a destination beyond the last source has no loop, yet edges into it.
    edges = torch.tensor([[1, 0], [4, 1]])
    graph, attr = add_self_loops(ga.Graph(edges, num_dst=5, num_src=2), torch.tensor([3.0, 7.0]), "add")
    assert graph.edge_index.tolist() == [[1, 0, 0, 1], [4, 1, 0, 1]]
    assert attr.tolist() == [3, 7, 0, 7]


def test_the_graph_is_made_once():
    first, _ = add_self_loops(GRAPH, ATTR, 1.0)
    second, _ = add_self_loops(GRAPH, ATTR, "mean")
    assert first is second


def test_an_unknown_reduction():
    with pytest.raises(ValueError, match=r"fill_value is a number, a tensor or one of add, .*, mul; got 'median'"):
        add_self_loops(GRAPH, ATTR, "median")


@pytest.mark.parametrize("rows", [3, 7])
def test_features_of_another_number_of_edges(rows):
    with pytest.raises(ValueError, match="edge_attr"):
        add_self_loops(GRAPH, torch.zeros(rows, 2))


def test_a_fill_value_of_another_width():
    with pytest.raises(ValueError, match="fill_value"):
        add_self_loops(GRAPH, torch.zeros(5, 2), torch.zeros(3))
