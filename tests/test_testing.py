import pytest
import torch

from graphattn.graph import Complete, Graph
from graphattn.testing import (
    assert_batch_equals_separate,
    assert_edge_order_invariant,
    assert_node_permutation_equivariant,
    zoo,
)

SQUARE = {name: graph for name, graph in zoo().items() if graph.num_dst == graph.num_src}


def features(graph):
    return torch.arange(float(3 * graph.num_src)).view(graph.num_src, 3).cos()


def weights(graph):
    return torch.arange(float(graph.num_edges)).sin()


def weighted_sum(x, graph, weight=None):
    return graph.to_torch_sparse(torch.sparse_coo, weight).to_dense() @ x


def numbered(x, graph, weight=None):
    return weighted_sum(x, graph) + torch.arange(graph.num_dst).unsqueeze(1)


def first_edge_counts_more(x, graph, weight=None):
    ones = torch.ones(graph.num_edges)
    ones[:1] = 2
    return weighted_sum(x, graph, ones)


def sees_the_whole_batch(x, graph, weight=None):
    return weighted_sum(x, graph) + x.sum()


class TestZoo:
    def test_holds_what_it_says(self):
        graphs = zoo()
        assert graphs["empty"].num_nodes == 0
        assert graphs["no_edges"].num_edges == 0
        assert graphs["single_node"].num_nodes == 1
        assert graphs["self_loop"].edge_index.tolist() == [[0], [0]]
        assert graphs["isolated_nodes"].in_degree.tolist() == [0, 1, 0, 2, 0, 0, 0]
        assert graphs["duplicate_edges"].edge_index.unique(dim=1).size(1) < graphs["duplicate_edges"].num_edges
        assert graphs["hub"].in_degree.max() == 70
        assert graphs["unsorted"].csr.perm is not None
        assert graphs["more_sources"].num_src > graphs["more_sources"].num_dst
        assert graphs["more_destinations"].num_dst > graphs["more_destinations"].num_src
        assert isinstance(graphs["complete"], Complete)

    def test_is_the_same_each_time_and_not_shared(self):
        assert zoo() == zoo()
        assert zoo()["hub"] is not zoo()["hub"]

    def test_leaves_the_random_state_alone(self):
        before = torch.get_rng_state()
        zoo()
        assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", SQUARE)
@pytest.mark.parametrize("with_weights", [False, True])
def test_a_sum_over_neighbors_is_equivariant(name, with_weights):
    graph = SQUARE[name]
    weight = weights(graph) if with_weights else None
    assert_node_permutation_equivariant(weighted_sum, features(graph), graph, weight)


@pytest.mark.parametrize("name", zoo())
@pytest.mark.parametrize("with_weights", [False, True])
def test_a_sum_over_neighbors_does_not_depend_on_edge_order(name, with_weights):
    graph = zoo()[name]
    weight = weights(graph) if with_weights else None
    assert_edge_order_invariant(weighted_sum, features(graph), graph, weight)


def test_a_sum_over_neighbors_does_not_depend_on_the_batch():
    graphs = list(zoo().values())
    assert_batch_equals_separate(weighted_sum, [(features(graph), graph) for graph in graphs])
    assert_batch_equals_separate(weighted_sum, [(features(graph), graph, weights(graph)) for graph in graphs])
    assert_batch_equals_separate(weighted_sum, [(features(graphs[-1]), graphs[-1])])


def test_broken_symmetries_are_found():
    path = zoo()["path"]
    x = features(path)
    with pytest.raises(AssertionError, match="not equivariant to a permutation of the nodes"):
        assert_node_permutation_equivariant(numbered, x, path)
    with pytest.raises(AssertionError, match="not invariant to the order of the edges"):
        assert_edge_order_invariant(first_edge_counts_more, x, path)
    with pytest.raises(AssertionError, match="graphs in one batch do not give what they give alone"):
        assert_batch_equals_separate(sees_the_whole_batch, [(x, path), (x, path)])


@pytest.mark.parametrize("n", range(2, 9))
def test_something_moves_at_every_size(n):
    graph = Graph(torch.stack([torch.arange(n), torch.zeros(n, dtype=torch.int64)]), n)
    x = features(graph)
    with pytest.raises(AssertionError):
        assert_node_permutation_equivariant(numbered, x, graph)
    with pytest.raises(AssertionError):
        assert_edge_order_invariant(lambda x, graph: graph.edge_index[0].float(), x, graph)


def test_tolerances_are_used():
    path = zoo()["path"]
    off = {id(path): 0.0}

    def drifts(x, graph):
        return weighted_sum(x, graph) + off.get(id(graph), 0.01)

    with pytest.raises(AssertionError):
        assert_edge_order_invariant(drifts, features(path), path)
    assert_edge_order_invariant(drifts, features(path), path, rtol=0.0, atol=0.02)
