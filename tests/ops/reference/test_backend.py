"""The reference path against formulas written out in loops."""

import math

import oracle
import pytest
import torch
from expectation import assert_mean

import graphattn as ga

M, N, E, H, D, DV = 5, 7, 23, 3, 4, 2  # sizes differ, so that a swapped axis cannot pass


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def graph():
    """Unsorted, with duplicate edges, and a destination (the last) that sees nobody."""
    edges = torch.stack([torch.randint(0, N, (E - 2,)), torch.randint(0, M - 1, (E - 2,))])
    return ga.Graph(torch.cat([edges, edges[:, :2]], dim=1), num_dst=M, num_src=N)


def attention(*args, **options):
    return ga.attention(*args, backend="reference", **options)


def leaky(x, slope=0.2):
    return x if x > 0 else slope * x


def check_heads(found, expected):
    out, weights = found
    for h in range(H):
        torch.testing.assert_close(out[:, h], expected(h)[0])
        torch.testing.assert_close(weights[:, h], expected(h)[1])


@pytest.mark.parametrize("normalize", sorted(oracle.NORMALIZERS))
def test_every_normalizer_with_everything_on_the_edges(graph, normalize):
    q, k, v = numbers(M, H, D), numbers(N, H, D), numbers(N, H, DV)
    bias, edge_key, edge_value = numbers(E, H), numbers(E, H, D), numbers(E, H, DV)
    if normalize == "linear":
        bias = bias + 100  # positive scores
    found = attention(
        q, k, v, graph, normalize=normalize, edge_bias=bias, edge_key=edge_key, edge_value=edge_value,
        return_weights=True,
    )  # fmt: skip
    check_heads(
        found,
        lambda h: oracle.attend(
            q[:, h], k[:, h], v[:, h], graph, lambda a, b, c: a @ b / math.sqrt(D) + c,
            oracle.NORMALIZERS[normalize], bias=bias[:, h], edge_key=edge_key[:, h], edge_value=edge_value[:, h],
        ),
    )  # fmt: skip


def test_cosine(graph):
    q, k, v, bias, edge_key = numbers(M, H, D), numbers(N, H, D), numbers(N, H, DV), numbers(E, H), numbers(E, H, D)
    beta = torch.tensor([0.5, 2.0, 3.0], dtype=torch.float64)
    found = attention(
        q, k, v, graph, score=ga.scores.Cosine(beta), edge_bias=bias, edge_key=edge_key, return_weights=True
    )
    check_heads(
        found,
        lambda h: oracle.attend(
            q[:, h], k[:, h], v[:, h], graph, lambda a, b, c: beta[h] * (a @ b) / (a.norm() * b.norm()) + c,
            oracle.softmax, bias=bias[:, h], edge_key=edge_key[:, h],
        ),
    )  # fmt: skip


def test_sum_puts_the_bias_inside_the_leaky_relu(graph):
    q, k, v, bias = numbers(M, H), numbers(N, H), numbers(N, H, DV), numbers(E, H)
    found = attention(q, k, v, graph, score=ga.scores.Sum(0.1), scale=2.0, edge_bias=bias, return_weights=True)
    check_heads(
        found,
        lambda h: oracle.attend(
            q[:, h], k[:, h], v[:, h], graph, lambda a, b, c: 2 * leaky(a + b + c, 0.1), oracle.softmax, bias=bias[:, h]
        ),
    )


@pytest.mark.parametrize(("activation", "function"), [("tanh", math.tanh), ("leaky_relu", leaky)])
def test_additive_puts_the_edge_key_inside_the_activation(graph, activation, function):
    q, k, v, bias, edge_key = numbers(M, H, D), numbers(N, H, D), numbers(N, H, DV), numbers(E, H), numbers(E, H, D)
    vector = numbers(H, D)
    found = attention(
        q, k, v, graph, score=ga.scores.Additive(vector, activation), edge_bias=bias, edge_key=edge_key,
        return_weights=True,
    )  # fmt: skip
    check_heads(
        found,
        lambda h: oracle.attend(
            q[:, h], k[:, h], v[:, h], graph,
            lambda a, b, c: sum(w * function(x) for w, x in zip(vector[h].tolist(), (a + b).tolist(), strict=True)) + c,
            oracle.softmax, bias=bias[:, h], edge_key=edge_key[:, h],
        ),
    )  # fmt: skip


def test_no_score_leaves_the_bias(graph):
    v, bias = numbers(N, H, DV), numbers(E, H)
    found = attention(None, None, v, graph, score="none", edge_bias=bias, return_weights=True)
    check_heads(
        found,
        lambda h: oracle.attend(None, None, v[:, h], graph, lambda a, b, c: c, oracle.softmax, bias=bias[:, h]),
    )


def test_grouped_queries_read_the_key_head_of_their_group(graph):
    q, k, v = numbers(M, 6, D), numbers(N, 2, D), numbers(N, 2, DV)
    grouped = attention(q, k, v, graph)
    torch.testing.assert_close(
        grouped, attention(q, k.repeat_interleave(3, dim=1), v.repeat_interleave(3, dim=1), graph)
    )


def test_low_rank_edge_features_are_edge_keys_and_values(graph):
    q, k, v = numbers(M, H, D), numbers(N, H, D), numbers(N, H, DV)
    attr, for_keys, for_values = numbers(E, 5), numbers(5, H, D), numbers(5, H, DV)
    edge_key, edge_value = torch.einsum("ea,ahd->ehd", attr, for_keys), torch.einsum("ea,ahd->ehd", attr, for_values)
    torch.testing.assert_close(
        attention(q, k, v, graph, edge_attr=attr, edge_proj=(for_keys, for_values)),
        attention(q, k, v, graph, edge_key=edge_key, edge_value=edge_value),
    )
    torch.testing.assert_close(
        attention(q, k, v, graph, edge_attr=attr, edge_proj=(None, for_values)),
        attention(q, k, v, graph, edge_value=edge_value),
    )


@pytest.mark.parametrize("normalize", sorted(oracle.NORMALIZERS))
@pytest.mark.parametrize("score", ["dot", "cosine", "sum", "additive", "none"])
def test_gradients_of_every_score_and_normalizer(graph, score, normalize):
    wide = score not in ("sum", "none")
    shapes = {
        "q": (M, H, D) if wide else (M, H),
        "k": (N, H, D) if wide else (N, H),
        "v": (N, H, DV),
        "edge_bias": (E, H),
        "edge_value": (E, H, DV),
    }
    if wide:
        shapes["edge_key"] = (E, H, D)
    given = {name: numbers(*shape).requires_grad_() for name, shape in shapes.items()}
    vector = numbers(H, D).requires_grad_()

    def run(vector, *tensors):
        named = dict(zip(given, tensors, strict=True))
        q, k, v = (named.pop(name) for name in "qkv")
        if score == "none":
            q = k = None
        if normalize == "linear":
            named["edge_bias"] = named["edge_bias"] + 20
        chosen = ga.scores.Additive(vector, "tanh") if score == "additive" else score
        return attention(q, k, v, graph, score=chosen, normalize=normalize, **named)

    assert torch.autograd.gradcheck(run, (vector, *given.values()), fast_mode=True)


def test_second_derivative(graph):
    q, k, v = (numbers(*s).requires_grad_() for s in ((M, 1, 2), (N, 1, 2), (N, 1, 1)))
    assert torch.autograd.gradgradcheck(lambda *qkv: attention(*qkv, graph), (q, k, v), fast_mode=True)


@pytest.mark.parametrize("normalize", sorted(oracle.NORMALIZERS))
def test_rows_without_edges_and_rows_all_hidden_are_zero_and_give_no_nan(normalize):
    graph = ga.Graph(torch.tensor([[0, 1, 1], [0, 0, 1]]), num_nodes=3)  # node 2 sees nobody, node 1's edge is hidden
    q, k, v = (numbers(3, 1, 2).requires_grad_() for _ in range(3))
    bias = torch.tensor([[0.0], [0.0], [-math.inf]], dtype=torch.float64, requires_grad=True)
    if normalize in ("identity", "linear"):
        bias = torch.zeros(3, 1, dtype=torch.float64, requires_grad=True)  # −inf is no weight without a normalizer
    out, weights = attention(q, k, v, graph, normalize=normalize, edge_bias=bias, return_weights=True)
    out.sum().backward()
    assert torch.equal(out[2], torch.zeros(1, 2, dtype=torch.float64))
    if normalize not in ("identity", "linear"):
        assert torch.equal(out[1], torch.zeros(1, 2, dtype=torch.float64))
        assert weights[2] == 0
    for tensor in (q, k, v, bias):
        assert tensor.grad is None or tensor.grad.isfinite().all()


def test_huge_scores_do_not_overflow(graph):
    q, k, v = 100 * numbers(M, H, D), 100 * numbers(N, H, D), numbers(N, H, DV)
    out = attention(q.float(), k.float(), v.float(), graph)
    torch.testing.assert_close(out.double(), attention(q, k, v, graph), atol=1e-2, rtol=1e-2)


def test_dropout_zeroes_weights_scales_the_rest_and_repeats_with_the_seed(graph):
    q, k, v = numbers(M, 40, D), numbers(N, 40, D), numbers(N, 40, DV)
    _, plain = attention(q, k, v, graph, return_weights=True)
    torch.manual_seed(1)
    out, dropped = attention(q, k, v, graph, dropout=0.25, return_weights=True)
    torch.manual_seed(1)
    assert torch.equal(out, attention(q, k, v, graph, dropout=0.25))
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], plain[kept] / 0.75)
    assert_mean(kept.flatten(), 0.75, rather_than=0.5)


def test_half_precision_adds_up_in_float32(graph):
    q, k, v = (numbers(*s).bfloat16() for s in ((M, H, D), (N, H, D), (N, H, DV)))
    out = attention(q, k, v, graph)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out, attention(q.float(), k.float(), v.float(), graph).bfloat16())


@pytest.mark.parametrize("normalize", ["softmax", "sparsemax", "entmax15"])
def test_compiles_whole(normalize):
    """Also with torch-scatter, into which the compiler cannot see."""
    graph = ga.Graph(torch.tensor([[0, 1, 2, 0, 2], [1, 2, 0, 2, 2]]), 4)
    assert graph.csr.indptr.tolist() == [0, 1, 2, 5, 5]  # made, as by any earlier call
    x = numbers(4, 2, 3).requires_grad_()

    def run(x):
        return ga.attention(x, x, x, graph, normalize=normalize, backend="reference")

    found, want = torch.compile(run, fullgraph=True, backend="aot_eager")(x), run(x)
    torch.testing.assert_close(found, want)
    torch.testing.assert_close(*(torch.autograd.grad(each.square().sum(), x) for each in (found, want)))
