"""Bahdanau's and Luong's alignments against their published formulas, one query at a time."""

import math

import pytest
import torch

import graphattn as ga
from graphattn.nn import Alignment, HardAlignment, LocalAlignment

SIZES, QUERIES = [5, 3, 11], [2, 1, 2]
GRAPH = ga.bipartite(QUERIES, SIZES)
OWNER = [0, 0, 1, 2, 2]


def by_hand(align, query, memory, i):
    """The scores of query i with each part of its memory."""
    h = memory.split(SIZES)[OWNER[i]]
    if align.score == "dot":
        return [query[i] @ h_j for h_j in h]
    if align.score == "scaled_dot":
        return [query[i] @ h_j / math.sqrt(len(h_j)) for h_j in h]
    if align.score == "cosine":
        return [1.7 * torch.cosine_similarity(query[i], h_j, dim=0) for h_j in h]
    if align.score == "none":
        return [h_j.new_zeros(()) for h_j in h]
    if align.score == "general":
        return [query[i] @ align.key.weight @ h_j for h_j in h]
    if align.score == "additive":
        joined = torch.cat([align.query.weight, align.key.weight], dim=1)  # Luong's W_a
        return [align.vector[0] @ (joined @ torch.cat([query[i], h_j]) + align.key.bias).tanh() for h_j in h]
    return list((align.place.weight @ query[i])[: len(h)])


def make(score, kind=Alignment, **options):
    torch.manual_seed(0)
    memory_dim = 4 if score in ("dot", "scaled_dot", "cosine") else 6
    if score == "location":
        options["max_length"] = 13
    align = kind(4, memory_dim, score=score, **options).double()
    if score == "cosine":
        torch.nn.init.constant_(align.beta, 1.7)
    return align, torch.randn(5, 4, dtype=torch.float64), torch.randn(sum(SIZES), memory_dim, dtype=torch.float64)


@pytest.mark.parametrize("score", ["dot", "scaled_dot", "cosine", "general", "additive", "location", "none"])
def test_global(score):
    align, query, memory = make(score)
    got = align(query, memory, GRAPH)
    weights = got.weights.split([SIZES[o] for o in OWNER])
    for i, owner in enumerate(OWNER):
        alpha = torch.stack(by_hand(align, query, memory, i)).softmax(0)
        torch.testing.assert_close(weights[i], alpha)
        torch.testing.assert_close(got.context[i], alpha @ memory.split(SIZES)[owner])


def test_keys_made_before():
    align, query, memory = make("additive")
    assert torch.equal(
        align(query, memory, GRAPH, keys=align.keys(memory)).context, align(query, memory, GRAPH).context
    )


@pytest.mark.parametrize("score", ["dot", "general", "additive"])
@pytest.mark.parametrize("predict", [True, False])
def test_local(score, predict):
    align, query, memory = make(score, LocalAlignment, radius=2, predict=predict)
    steps = torch.tensor([0, 4, 1, 7, 15])  # the last looks beyond its memory
    got = align(query, memory, GRAPH, step=steps)
    before = torch.tensor([0, 5, 8])
    for i, owner in enumerate(OWNER):
        h, S = memory.split(SIZES)[owner], SIZES[owner]
        p = float(steps[i])
        if predict:
            hidden = (align.place_hidden.weight @ query[i]).tanh()
            p = (S * torch.sigmoid(align.place_vector.weight[0] @ hidden)).item()
        seen = [j for j in range(S) if p - 2 <= j <= p + 2]
        mine = got.graph.edge_index[1] == i
        assert (got.graph.edge_index[0, mine] - before[owner]).tolist() == seen
        if not seen:
            assert got.context[i].eq(0).all()
            continue
        scores = by_hand(align, query, memory, i)
        alpha = torch.stack([scores[j] for j in seen]).softmax(0)
        if predict:
            alpha = alpha * torch.tensor([math.exp(-((j - p) ** 2) / (2 * 1.0**2)) for j in seen])
        torch.testing.assert_close(got.weights[mine], alpha)
        torch.testing.assert_close(got.context[i], alpha @ h[seen])


def test_the_predicted_position_is_differentiable():
    align, query, memory = make("general", LocalAlignment, radius=3)

    def context(query):
        return align(query, memory, GRAPH).context

    assert torch.autograd.gradcheck(context, (query.requires_grad_(),))
    context(query).sum().backward()
    assert align.place_vector.weight.grad.abs().max() > 1e-9
    assert align.place_hidden.weight.grad.abs().max() > 1e-9


def test_far_places_in_half_precision():
    """Beyond 256 a bfloat16 counts by twos, which would move the window."""
    torch.manual_seed(0)
    query, memory, steps = torch.randn(20, 4).bfloat16(), torch.randn(1001, 4).bfloat16(), torch.arange(300, 320)
    for predict in (True, False):
        align = LocalAlignment(4, 4, score="dot", radius=2, predict=predict).bfloat16()
        got = align(query, memory, ga.bipartite(20, 1001), step=steps)
        logits = align.place_vector(align.place_hidden(query).tanh()).float().flatten() if predict else None
        for i, p in enumerate((1001 * logits.sigmoid() if predict else steps).tolist()):
            seen = got.graph.edge_index[0, got.graph.edge_index[1] == i].tolist()
            assert seen == [j for j in range(1001) if p - 2 <= j <= p + 2]
        assert got.context.dtype == got.weights.dtype == torch.bfloat16


def test_hard_draws_in_training_and_takes_the_best_otherwise():
    align, query, memory = make("additive", HardAlignment)
    soft = Alignment.forward(align, query, memory, GRAPH).weights
    align.generator = torch.Generator().manual_seed(0)
    drawn = [align(query, memory, GRAPH) for _ in range(20)]
    places = torch.stack([d.weights for d in drawn])
    assert len(places.unique(dim=0)) > 1
    assert places.unique().tolist() == [0, 1]
    first = drawn[0]
    src, dst = GRAPH.edge_index
    edges = first.weights.nonzero().squeeze(1)
    assert dst[edges].tolist() == [0, 1, 2, 3, 4]
    torch.testing.assert_close(first.context, memory[src[edges]])
    torch.testing.assert_close(first.log_prob, soft[edges].log())
    best = align.eval()(query, memory, GRAPH).weights.split([SIZES[o] for o in OWNER])
    assert [b.argmax().item() for b in best] == [s.argmax().item() for s in soft.split([SIZES[o] for o in OWNER])]


def test_errors():
    with pytest.raises(ValueError, match="location, none; got 'concat'"):
        Alignment(4, 4, score="concat")
    with pytest.raises(ValueError, match="needs query_dim = memory_dim, got 4 and 6"):
        Alignment(4, 6, score="dot")
    with pytest.raises(ValueError, match='max_length goes with score="location"'):
        Alignment(4, 6, score="location")
    with pytest.raises(ValueError, match='max_length goes with score="location"'):
        Alignment(4, 6, max_length=3)
    with pytest.raises(ValueError, match="a memory has 11 places, but max_length=10"):
        Alignment(4, 6, score="location", max_length=10)(torch.zeros(5, 4), torch.zeros(19, 6), GRAPH)
    with pytest.raises(TypeError, match="needs a bipartite graph, got Graph"):
        Alignment(4, 6, score="location", max_length=10)(
            torch.zeros(1, 4), torch.zeros(2, 6), ga.Graph(torch.tensor([[1], [0]]), num_dst=1, num_src=2)
        )
    with pytest.raises(ValueError, match="radius must be at least 1, got 0"):
        LocalAlignment(4, 6, radius=0)
    with pytest.raises(ValueError, match="but step is None"):
        LocalAlignment(4, 6, predict=False)(torch.zeros(5, 4), torch.zeros(19, 6), GRAPH)
    with pytest.raises(TypeError, match="local attention needs a bipartite graph, got Complete"):
        LocalAlignment(4, 6)(torch.zeros(2, 4), torch.zeros(2, 6), ga.complete(2))
