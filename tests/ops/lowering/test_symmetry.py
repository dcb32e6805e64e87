"""The fused operator as a layer on graphs: node order, edge order, and batches, in outputs and in gradients."""

import pytest
import torch
from ops.lowering.cases import EDGE_TERMS, FUSED, NORMALIZERS, SCORES, attend, pairwise, tensors

import graphattn as ga
from graphattn.testing import (
    assert_batch_equals_separate,
    assert_edge_order_invariant,
    assert_node_permutation_equivariant,
)

pytest.importorskip("numba")

FEATURES = 4
CLOSE = {"rtol": 1e-10, "atol": 1e-10}
CASES = pairwise(
    score=SCORES,
    normalize=NORMALIZERS,
    edges=tuple(EDGE_TERMS),
    heads=((2, 1), (3, 3)),
    dtype=(torch.float64,),
)


def layer(case):
    """Node and edge features to the output of each node beside the gradient of its features."""
    numbers = tensors(case, ga.complete(FEATURES), seed=3)
    edge_numbers = tensors(case, ga.Graph(torch.zeros(2, FEATURES, dtype=torch.long), 1), seed=4)

    def fn(x, graph, edge_attr):
        x = x.clone().requires_grad_()
        given = {}
        for name, tensor in numbers.items():
            if name in ("q", "k", "v"):
                given[name] = torch.tensordot(x, tensor, 1)
            elif name in ("edge_bias", "edge_key", "edge_value", "edge_attr"):
                given[name] = torch.tensordot(edge_attr, edge_numbers[name], 1)
            else:
                given[name] = tensor
        (out,) = attend(case, graph, given, FUSED)
        (grad,) = torch.autograd.grad(out.sin().sum(), x)
        return torch.cat([out.detach().flatten(1), grad], dim=1)

    return fn


def features(graph, seed=0):
    torch.manual_seed(seed)
    shapes = (graph.num_nodes, FEATURES), (graph.num_edges, FEATURES)
    return tuple(torch.randn(shape, dtype=torch.float64) for shape in shapes)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_order_of_nodes_and_edges(case):
    for name in ("unsorted", "hub", "duplicate_edges"):
        graph = ga.testing.zoo()[name]
        x, edge_attr = features(graph)
        assert_node_permutation_equivariant(layer(case), x, graph, edge_attr, **CLOSE)
        assert_edge_order_invariant(layer(case), x, graph, edge_attr, **CLOSE)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_batch_equals_separate_graphs(case):
    zoo = ga.testing.zoo()
    graphs = [zoo[name] for name in ("unsorted", "no_edges", "single_node", "duplicate_edges", "isolated_nodes")]
    cases = []
    for seed, graph in enumerate(graphs):
        x, edge_attr = features(graph, seed)
        cases.append((x, graph, edge_attr))
    assert_batch_equals_separate(layer(case), cases, **CLOSE)
