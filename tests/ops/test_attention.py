"""The operator by its public face: kinds of graph, symmetries, dropout."""

import pytest
import torch
from expectation import assert_mean

import graphattn as ga
from graphattn.testing import (
    assert_batch_equals_separate,
    assert_edge_order_invariant,
    assert_node_permutation_equivariant,
    zoo,
)

H, D, DV = 3, 5, 7
SQUARE = sorted(name for name, graph in zoo().items() if graph.num_dst == graph.num_src)
SCORES = ["dot", "cosine", "sum", "additive", "none"]


def numbers(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def both(x, graph, **options):
    """Self-attention with different parts of x as q, k and v."""
    q, k, v = x.split([D, D, DV], dim=-1)
    return ga.attention(q, k, v, graph, **options)


def features(graph, seed=0):
    return numbers(graph.num_src, H, 2 * D + DV, seed=seed)


def with_score(score, x, graph, edge_bias, **options):
    q, k, v = x.split([D, D, DV], dim=-1)
    if score in ("sum", "none"):
        q, k = (q[..., 0], k[..., 0]) if score == "sum" else (None, None)
    chosen = ga.scores.Additive(numbers(H, D, seed=3)) if score == "additive" else score
    return ga.attention(q, k, v, graph, score=chosen, edge_bias=edge_bias, **options)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("name", sorted(zoo()))
def test_a_kind_is_its_edges(name, score):
    graph = zoo()[name]
    edges = ga.Graph(zoo()[name].edge_index, num_dst=graph.num_dst, num_src=graph.num_src)
    q, k = numbers(graph.num_dst, H, D), numbers(graph.num_src, H, D, seed=1)
    if score in ("sum", "none"):
        q, k = (q[..., 0], k[..., 0]) if score == "sum" else (None, None)
    v, bias = numbers(graph.num_src, H, DV, seed=2), numbers(graph.num_edges, H, seed=3)
    chosen = ga.scores.Additive(numbers(H, D, seed=4)) if score == "additive" else score
    for options in ({}, {"edge_bias": bias}):
        found = ga.attention(q, k, v, graph, score=chosen, **options)
        want = ga.attention(q, k, v, edges, score=chosen, backend="reference", **options)
        torch.testing.assert_close(found, want)


@pytest.mark.parametrize("name", SQUARE)
def test_renumbering_nodes_renumbers_the_output(name):
    graph = zoo()[name]
    assert_node_permutation_equivariant(both, features(graph), graph)


@pytest.mark.parametrize("name", sorted(zoo()))
def test_the_order_of_edges_does_not_matter(name):
    graph = zoo()[name]
    q = numbers(graph.num_dst, H, D, seed=1)

    def layer(x, graph, bias):
        return ga.attention(q, *x.split([D, DV], dim=-1), graph, edge_bias=bias)

    assert_edge_order_invariant(layer, numbers(graph.num_src, H, D + DV), graph, numbers(graph.num_edges, H, seed=2))


@pytest.mark.parametrize("score", SCORES)
def test_symmetries_of_every_score(score):
    graph = zoo()["unsorted"]
    x, bias = features(graph), numbers(graph.num_edges, H, seed=1)
    assert_node_permutation_equivariant(lambda *case: with_score(score, *case), x, graph, bias)
    assert_edge_order_invariant(lambda *case: with_score(score, *case), x, graph, bias)


@pytest.mark.parametrize(
    "normalize", sorted(set(ga.normalizers.NORMALIZERS) - {"linear"})
)  # linear: scores of both signs
def test_symmetries_of_every_normalizer(normalize):
    graph = zoo()["unsorted"]
    x, bias = features(graph), numbers(graph.num_edges, H, seed=1)
    assert_node_permutation_equivariant(
        lambda x, graph, bias: both(x, graph, edge_bias=bias, normalize=normalize), x, graph, bias
    )


def test_weights_follow_the_order_of_the_edges():
    graph = zoo()["unsorted"]
    x = features(graph)
    order = torch.randperm(graph.num_edges, generator=torch.Generator().manual_seed(5))
    shuffled = ga.Graph(graph.edge_index[:, order], graph.num_nodes)
    _, weights = both(x, graph, return_weights=True)
    _, permuted = both(x, shuffled, return_weights=True)
    torch.testing.assert_close(permuted, weights[order])


def test_weights_give_the_output():
    graph = zoo()["unsorted"]
    x = features(graph)
    out, weights = both(x, graph, return_weights=True)
    src, dst = graph.edge_index
    want = torch.zeros_like(out).index_add(0, dst, weights.unsqueeze(-1) * x[..., -DV:][src])
    torch.testing.assert_close(out, want)


def test_graphs_in_one_batch_do_not_see_one_another():
    graphs = [zoo()[name] for name in SQUARE]
    assert_batch_equals_separate(both, [(features(graph, seed), graph) for seed, graph in enumerate(graphs)])


@pytest.mark.parametrize("kind", [ga.complete, ga.causal], ids=["complete", "causal"])
def test_a_batch_of_one_kind_equals_separate_graphs(kind):
    graphs = [kind(size) for size in (3, 1, 7)]
    assert_batch_equals_separate(both, [(features(graph, seed), graph) for seed, graph in enumerate(graphs)])


def test_duplicate_edges_count_twice():
    twice, once = ga.Graph(torch.tensor([[0, 1, 1], [2, 2, 2]])), ga.Graph(torch.tensor([[0, 1], [2, 2]]))
    q = torch.zeros(3, 1, 1)
    v = torch.tensor([10.0, 40.0, 0.0]).view(3, 1, 1)
    assert ga.attention(q, q, v, twice)[2].item() == pytest.approx(30)  # (10 + 40 + 40) / 3
    assert ga.attention(q, q, v, once)[2].item() == pytest.approx(25)


def test_a_source_sends_to_its_destination_and_not_back():
    graph = ga.Graph(torch.tensor([[0], [1]]), 2)
    x = torch.ones(2, 1, 1)
    assert ga.attention(x, x, x, graph).flatten().tolist() == [0, 1]


@pytest.mark.parametrize("backend", ["reference", "auto"])
def test_dropout_repeats_with_the_seed_and_differs_without(backend):
    graph, x = zoo()["hub"], features(zoo()["hub"])
    torch.manual_seed(11)
    first = both(x, graph, dropout=0.5, backend=backend)
    second = both(x, graph, dropout=0.5, backend=backend)
    torch.manual_seed(11)
    again = both(x, graph, dropout=0.5, backend=backend)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_without_dropout_no_random_number_is_drawn():
    graph, x = zoo()["hub"], features(zoo()["hub"])
    before = torch.get_rng_state()
    both(x, graph)
    both(x, graph, backend="reference")
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_is_unbiased():
    """In every destination and head, however few edges: means of 2 and 3 edges, over many calls."""
    graph = ga.Graph(torch.tensor([[0, 1, 1, 2, 3], [0, 0, 2, 2, 2]]), num_nodes=4)
    q, k, v = numbers(4, 2, 3), numbers(4, 2, 3), numbers(4, 2, 1) + 2
    want = ga.attention(q, k, v, graph)
    torch.manual_seed(0)
    draws = torch.stack([ga.attention(q, k, v, graph, dropout=0.3) for _ in range(2000)])
    assert_mean(draws, want, rather_than=0.7 * want)
    seen = draws[:, [0, 2]].flatten(1)  # heads and destinations are dropped independently
    apart = (seen - seen.mean(0)) / seen.std(0)
    assert_mean(apart.unsqueeze(1) * apart.unsqueeze(2), torch.eye(4), rather_than=torch.ones(4, 4))


def test_dropout_before_the_gradient_is_the_dropout_of_the_output():
    graph = zoo()["hub"]
    x = features(graph)
    v = x[..., -DV:].clone().requires_grad_()
    torch.manual_seed(3)
    out, weights = ga.attention(x[..., :D], x[..., :D], v, graph, dropout=0.5, return_weights=True)
    out.sum().backward()
    src = graph.edge_index[0]
    want = torch.zeros(graph.num_src, H, dtype=torch.float64).index_add(0, src, weights.detach())
    torch.testing.assert_close(v.grad, want.unsqueeze(-1).expand_as(v))


def test_nothing_is_written_into_the_arguments():
    graph = zoo()["unsorted"]
    x, bias = features(graph), numbers(graph.num_edges, H)
    copies = x.clone(), bias.clone()
    both(x, graph, edge_bias=bias)
    both(x, graph, edge_bias=bias, backend="reference")
    assert torch.equal(x, copies[0])
    assert torch.equal(bias, copies[1])


def test_the_gradient_of_the_sharpness_alone():
    graph, x = zoo()["hub"], features(zoo()["hub"])
    beta = torch.ones(H, dtype=torch.float64, requires_grad=True)
    both(x, graph, score=ga.scores.Cosine(beta)).sum().backward()
    assert beta.grad.abs().min() > 0


def test_a_sharpness_of_another_dtype():
    graph, x = zoo()["hub"], features(zoo()["hub"]).float()
    beta = torch.ones(H, dtype=torch.float64)
    out = both(x, graph, score=ga.scores.Cosine(beta))
    torch.testing.assert_close(out, both(x, graph, score=ga.scores.Cosine(beta), backend="reference"))
