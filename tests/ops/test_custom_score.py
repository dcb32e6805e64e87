"""Scores of one's own: the formulas of papers, gradients of every tensor, second derivatives, and clear errors."""

import pytest
import torch
from ops.paper_scores import NORMALIZERS, PAPERS, D, E, H, N, draw, graph

import graphattn as ga
from graphattn import scores

BACKENDS = ["reference", "numba"]


def inputs(heads=H, seed=7):
    return [draw(N, count, D, seed=seed + place) for place, count in enumerate((H, heads, heads))]


def learned(kwargs):
    return [x for given in kwargs.values() for x in given.values() if x.requires_grad]


def expected(function, plain, q, k, v):
    """The result by plain PyTorch: the score as edge_bias."""
    j, i = graph().edge_index
    bias = plain(q[i], k[j], i, j).expand(E, H)
    normalize = NORMALIZERS.get(function, "softmax")
    return ga.attention(None, None, v, graph(), score="none", edge_bias=bias, normalize=normalize, backend="reference")


def gradients(out, tensors):
    cotangent = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=out.dtype)
    return torch.autograd.grad(out, tensors, cotangent)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("function", PAPERS, ids=lambda function: function.__name__)
def test_scores_of_papers(function, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    kwargs, plain = PAPERS[function]
    q, k, v = inputs()
    tensors = [q, k, v, *learned(kwargs)]
    want = expected(function, plain, q, k, v)
    normalize = NORMALIZERS.get(function, "softmax")
    out = ga.attention(q, k, v, graph(), score=scores.custom(function, **kwargs), normalize=normalize, backend=backend)
    torch.testing.assert_close(out, want)
    torch.testing.assert_close(gradients(out, tensors), gradients(want, tensors))


def rich(pair):
    """A score with everything that can be named."""
    distance = pair.reduce(lambda q, k: abs(q - k) * q, "a")
    near = scores.where(pair.edge["r"] < 1, scores.sqrt(pair.edge["r"]) * pair.head["t"], pair.dot * pair.src["s"])
    return near + 0.1 * distance - scores.softplus(pair.dst["d"]) + pair.edge["b"]


RICH = {
    "edge": {"r": draw(E, seed=20, positive=True), "b": draw(E, H, seed=21)},
    "src": {"s": draw(N, seed=22)},
    "dst": {"d": draw(N, H, seed=23)},
    "head": {"t": draw(H, seed=24), "a": draw(H, D, seed=25)},
}


@pytest.mark.parametrize("options", [{}, {"dropout": 0.3}, {"return_state": True}, {"normalize": "relu"}])
@pytest.mark.parametrize("heads", [H, 1])
def test_the_kernels_give_what_pytorch_gives(options, heads):
    pytest.importorskip("numba")
    answers = []
    for backend in BACKENDS:
        torch.manual_seed(3)
        q, k, v = inputs(heads)
        found = ga.attention(q, k, v, graph(), score=scores.custom(rich, **RICH), backend=backend, **options)
        found = [x.masked_fill(x == -torch.inf, 0) for x in (found if isinstance(found, tuple) else (found,))]
        loss = sum((x * torch.arange(x.numel()).view_as(x).cos()).sum() for x in found)
        answers.append([*found, *torch.autograd.grad(loss, [q, k, v, *learned(RICH)])])
    torch.testing.assert_close(*answers)


def test_the_bias_of_a_call_is_added():
    pytest.importorskip("numba")
    answers = []
    for backend in BACKENDS:
        q, k, v = inputs()
        bias = draw(E, H, seed=30)
        out = ga.attention(q, k, v, graph(), score=scores.custom(lambda p: p.dot), edge_bias=bias, backend=backend)
        plain = ga.attention(q, k, v, graph(), edge_bias=bias, backend="reference")
        torch.testing.assert_close(out, plain)
        answers.append(gradients(out, [q, bias]))
    torch.testing.assert_close(*answers)


def test_one_number_for_each_head_as_in_gat():
    pytest.importorskip("numba")
    q, k, v = draw(N, H, seed=1), draw(N, H, seed=2), draw(N, H, D, seed=3)
    score = scores.custom(lambda pair: scores.leaky_relu(pair.sum, 0.2))
    found, want = (ga.attention(q, k, v, graph(), score=each) for each in (score, "sum"))
    torch.testing.assert_close(found, want)
    torch.testing.assert_close(gradients(found, [q, k, v]), gradients(want, [q, k, v]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_narrow_numbers(dtype):
    pytest.importorskip("numba")
    exact = inputs()
    kwargs = {kind: {name: x.detach().to(dtype) for name, x in given.items()} for kind, given in RICH.items()}
    want = ga.attention(*exact, graph(), score=scores.custom(rich, **RICH), backend="reference")
    found = ga.attention(
        *(x.detach().to(dtype) for x in exact), graph(), score=scores.custom(rich, **kwargs), backend="numba"
    )
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), want, rtol=0.1, atol=0.1 if dtype == torch.bfloat16 else 1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_second_derivatives(backend):
    if backend == "numba":
        pytest.importorskip("numba")
    small = ga.Graph(torch.tensor([[0, 1, 2, 2], [1, 1, 0, 1]]), num_nodes=3)
    r = torch.tensor([0.2, 0.7, 1.4, 2.0], dtype=torch.float64, requires_grad=True)
    q, k, v = (draw(3, 1, 2, seed=seed) for seed in (1, 2, 3))

    def run(q, k, v, r):
        def function(pair):
            return scores.tanh(pair.dot) * pair.edge["r"] - pair.distance2

        return ga.attention(q, k, v, small, score=scores.custom(function, edge={"r": r}), backend=backend)

    assert torch.autograd.gradgradcheck(run, (q, k, v, r))


def test_an_untaken_branch_leaves_no_nan():
    r = torch.tensor([0.0, 4.0, 1.0], dtype=torch.float64, requires_grad=True)
    g = ga.Graph(torch.tensor([[0, 1, 2], [0, 0, 0]]), num_nodes=3)
    x = torch.zeros(3, 1, 1, dtype=torch.float64)
    v = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64).view(3, 1, 1)
    for backend in BACKENDS:
        if backend == "numba":
            pytest.importorskip("numba")
        score = scores.custom(lambda p: scores.where(p.edge["r"] > 0, scores.log(p.edge["r"]), -1), edge={"r": r})
        (grad,) = torch.autograd.grad(ga.attention(x, x, v, g, score=score, backend=backend).sum(), r)
        assert grad.isfinite().all() and grad[0] == 0 and grad[1] != 0


def test_it_is_fused_and_explained():
    pytest.importorskip("numba")
    q, k, v = inputs()
    assert ga.explain_backend(q, k, v, graph(), score=scores.custom(rich, **RICH)).backend == "numba"
    told = scores.show(scores.custom(rich, **RICH))
    assert "d score / d edge[r]" in told and "operations" in told and "custom:" in told


def test_equal_expressions_share_their_kernel():
    first, second = (scores.custom(lambda p: scores.tanh(p.dot) * 2) for _ in range(2))
    assert first.name == second.name != scores.custom(lambda p: scores.tanh(p.dot) * 3).name


def test_under_vmap():
    (q, k, v), edges = inputs(), graph()
    score = scores.custom(lambda pair: 5 * scores.tanh(pair.dot / 5))
    many = torch.stack([v, 2 * v]).detach()
    found = torch.func.vmap(lambda each: ga.attention(q, k, each, edges, score=score))(many)
    torch.testing.assert_close(found, torch.stack([ga.attention(q, k, each, edges, score=score) for each in many]))


@pytest.mark.parametrize(
    ("function", "kwargs", "error", "message"),
    [
        (lambda p: p.edge["length"], {}, KeyError, r"edge\['length'\], but the tensors given for edge are: none"),
        (lambda p: p.dot if p.dot > 0 else 0, {}, TypeError, "use graphattn.scores.where"),
        (lambda p: p.dot * torch.ones(3), {}, TypeError, "takes tensors by name"),
        (lambda p: "dot", {}, TypeError, "made of symbols and numbers, got str"),
        (lambda p: p.dot < 1, {}, ValueError, "a comparison"),
        (lambda p: p.dot**0.5, {}, TypeError, "only whole numbers are powers"),
        (lambda p: p.reduce(lambda q, k: q * p.dot), {}, ValueError, "inside reduce"),
        (lambda p: p.reduce(lambda q, k: q, "a"), {}, KeyError, "the weight 'a' of reduce"),
        (lambda p: p.head["a"], {"head": {"a": torch.ones(H, D)}}, ValueError, "a weight, for pair.reduce"),
        (lambda p: p.edge.index, {}, AttributeError, "edges have no index here"),
    ],
)
def test_what_cannot_be_traced_is_said(function, kwargs, error, message):
    with pytest.raises(error, match=message):
        scores.custom(function, **kwargs)


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"edge": {"x": torch.ones(E + 1)}}, ValueError, rf"edge\['x'\] of the score is \[{E}\] or \[{E}, {H}\]"),
        ({"dst": {"x": torch.ones(N, 3)}}, ValueError, r"dst\['x'\] of the score"),
        ({"head": {"x": torch.ones(5)}}, ValueError, r"head\['x'\] of the score"),
        ({"edge": {"x": torch.ones(E, dtype=torch.int64)}}, TypeError, "floating-point"),
        ({"src": {"x": 3.0}}, TypeError, "floating-point numbers, got float"),
    ],
)
def test_tensors_that_do_not_fit(kwargs, error, message):
    (kind, given) = next(iter(kwargs.items()))
    if not isinstance(given["x"], torch.Tensor):
        score = scores.custom(lambda p: p.dot, **kwargs)
    else:
        score = scores.custom(lambda p: p.dot + getattr(p, kind)["x"], **kwargs)
    with pytest.raises(error, match=message):
        ga.attention(*inputs(), graph(), score=score)
