"""Attention in blocks of sources gives what one call gives, whatever the budget."""

import pytest
import torch

import graphattn as ga
from graphattn.ops import scores
from graphattn.ops.streaming import as_bytes

N, M, E, H, D = 30, 17, 120, 2, 5


def draw(*shape, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def graph():
    generator = torch.Generator().manual_seed(0)
    edges = torch.stack([torch.randint(n, (E,), generator=generator) for n in (N, M - 2)])
    return ga.Graph(edges, num_dst=M, num_src=N)  # the last destinations have no edge


def case(score="dot", edges=(), heads=H):
    width = () if score == "sum" else (D,)
    tensors = {"q": draw(M, H, *width, seed=1), "k": draw(N, heads, *width, seed=2), "v": draw(N, heads, D, seed=3)}
    shapes = {"edge_bias": (E, H), "edge_key": (E, H, D), "edge_value": (E, H, D), "edge_attr": (E, 3)}
    tensors |= {name: draw(*shapes[name], seed=9 + place) for place, name in enumerate(edges)}
    if "edge_attr" in edges:
        tensors["edge_proj"] = draw(3, H, D, seed=20)
    return tensors


def both(budget, tensors, **options):
    answers = []
    for limit in (None, budget):
        inputs = {name: None if x is None else x.clone().requires_grad_() for name, x in tensors.items()}
        out = ga.attention(graph=graph(), memory_budget=limit, **inputs, **options)
        given = [x for x in inputs.values() if x is not None]
        grads = torch.autograd.grad(out, given, draw(*out.shape, seed=5))
        answers.append([out, *grads])
    return answers


@pytest.mark.parametrize("budget", ["2KiB", "6 kB", "1GiB"])
@pytest.mark.parametrize("score", ["dot", "cosine", "sum", "none"])
def test_any_budget(budget, score):
    tensors = case(score, edges=("edge_bias",) if score == "none" else ())
    if score == "none":
        del tensors["q"], tensors["k"]
    torch.testing.assert_close(*both(budget, {"q": None, "k": None, **tensors}, score=score))


@pytest.mark.parametrize("normalize", ["relu", "sigmoid", "identity"])
def test_sums_over_edges(normalize):
    torch.testing.assert_close(*both("2KiB", case(), normalize=normalize))


@pytest.mark.parametrize("edges", [("edge_bias",), ("edge_key", "edge_value"), ("edge_attr",)])
def test_tensors_per_edge(edges):
    torch.testing.assert_close(*both("9KiB", case(edges=edges)))


def test_fewer_heads_of_keys():
    torch.testing.assert_close(*both("3KiB", case(heads=1)))


def test_learned_parts_of_a_score():
    vector = draw(H, D, seed=7).requires_grad_()
    beta = draw(H, seed=8).requires_grad_()
    for score, parameter in ((scores.Additive(vector), vector), (scores.Cosine(beta), beta)):
        grads = []
        for budget in (None, "3KiB"):
            out = ga.attention(graph=graph(), score=score, memory_budget=budget, **case())
            grads.append(torch.autograd.grad(out.square().sum(), parameter)[0])
        torch.testing.assert_close(*grads)


def test_states_and_their_gradients():
    answers = []
    for budget in (None, "2KiB"):
        inputs = {name: x.clone().requires_grad_() for name, x in case().items()}
        state = ga.attention(graph=graph(), return_state=True, memory_budget=budget, **inputs)
        seen = state.lse.isfinite()
        loss = state.out.square().sum() + state.lse[seen].sin().sum()
        answers.append([*state, *torch.autograd.grad(loss, list(inputs.values()))])
    torch.testing.assert_close(*answers)


def test_layers_inside_the_context():
    layer = ga.nn.TransformerConv(4, 3, heads=2).double()
    x, edge_index = draw(N, 4, seed=1), torch.randint(N, (2, E), generator=torch.Generator().manual_seed(1))
    whole = layer(x, edge_index)
    with ga.memory_budget("4KiB"):
        torch.testing.assert_close(layer(x, edge_index), whole)
        with pytest.raises(ValueError, match="dropout is numbered"):
            ga.attention(graph=graph(), dropout=0.5, **case())
    torch.testing.assert_close(layer(x, edge_index), whole)


def test_no_block_takes_more_than_the_budget():
    from graphattn.ops import streaming

    blocks = streaming._split(graph(), 100, 50, 1000)
    degree = graph().out_degree
    assert [block.start for block in blocks[1:]] == [block.stop for block in blocks[:-1]]
    assert blocks[0].start == 0 and blocks[-1].stop == N and len(blocks) > 3
    for block in blocks:
        assert (100 + 50 * degree[block]).sum() <= 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normalize": "sparsemax"}, "needs all scores"),
        ({"return_weights": True}, "weights are not kept"),
        ({"dropout": 0.1}, "dropout"),
        ({"memory_budget": "100"}, "too small: one source and its edges take"),
        ({"memory_budget": "much"}, 'such as "2GiB"'),
        ({"memory_budget": -5}, 'such as "2GiB"'),
        ({"score": scores.Cosine(torch.ones(E, H))}, "a beta per edge"),
    ],
)
def test_what_does_not_work_is_said(options, message):
    with pytest.raises(ValueError, match=message):
        ga.attention(graph=graph(), **{"memory_budget": "1MiB", **case(), **options})


def test_texts_for_bytes():
    assert as_bytes("1 TiB") == 2**40 and as_bytes("0.5GiB") == 2**29 and as_bytes(12) == 12
    for wrong in ("", "GiB", "1.2.3MB", "5 bananas", True, 0):
        with pytest.raises(ValueError, match="memory budget"):
            as_bytes(wrong)
