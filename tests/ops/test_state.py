"""Merging partial softmax: exact, differentiable, and at ease with rows that saw nothing."""

import math

import pytest
import torch

import graphattn as ga

N, E, H, D, DV = 7, 31, 3, 5, 2


def numbers(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def graphs():
    """A graph of 7 nodes of which the last sees nobody, and the three parts of its edges: 11, 13 and 7."""
    drawn = torch.Generator().manual_seed(1)
    edges = torch.stack([torch.randint(N, (E,), generator=drawn), torch.randint(N - 1, (E,), generator=drawn)])
    parts = edges.split([11, 13, 7], dim=1)
    return ga.Graph(edges, N), [ga.Graph(part, N) for part in parts]


def qkv(dtype=torch.float64):
    return [numbers(N, H, width, seed=seed).to(dtype) for seed, width in enumerate((D, D, DV))]


def state(q, k, v, graph, backend="auto"):
    return ga.attention(q, k, v, graph, return_state=True, backend=backend)


@pytest.mark.parametrize("backend", ["auto", "reference"])
def test_three_parts_make_the_whole(backend):
    whole, parts = graphs()
    tensors = qkv()
    found = ga.merge(*(state(*tensors, part, backend) for part in parts))
    want = state(*tensors, whole, backend)
    torch.testing.assert_close(found.out, want.out)
    torch.testing.assert_close(found.lse, want.lse)
    assert torch.equal(found.out[-1], torch.zeros(H, DV, dtype=torch.float64))
    assert (found.lse[-1] == -math.inf).all()
    assert found.lse[:-1].isfinite().all()


@pytest.mark.parametrize("backend", ["auto", "reference"])
def test_gradients_are_those_of_the_whole(backend):
    whole, parts = graphs()
    seen = whole.in_degree > 0

    def gradients(run):
        leaves = [tensor.requires_grad_() for tensor in qkv()]
        out, lse = run(leaves)
        loss = (out * numbers(N, H, DV, seed=5)).sum() + (lse * numbers(N, H, seed=6))[seen].sum()
        return torch.autograd.grad(loss, leaves)

    found = gradients(lambda leaves: ga.merge(*(state(*leaves, part, backend) for part in parts)))
    want = gradients(lambda leaves: state(*leaves, whole, backend))
    for ours, theirs in zip(found, want, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_order_and_grouping_do_not_matter():
    _, parts = graphs()
    a, b, c = (state(*qkv(), part) for part in parts)
    for found in (ga.merge(c, a, b), ga.merge(ga.merge(a, b), c), ga.merge(a, ga.merge(b, c))):
        torch.testing.assert_close(found, ga.merge(a, b, c))


def test_one_state_is_itself():
    whole, _ = graphs()
    alone = state(*qkv(), whole)
    torch.testing.assert_close(ga.merge(alone), alone)


def test_a_state_that_saw_nothing_changes_nothing():
    whole, _ = graphs()
    some = state(*qkv(), whole)
    none = state(*qkv(), ga.Graph(torch.empty(2, 0, dtype=torch.long), N))
    assert (none.lse == -math.inf).all()
    torch.testing.assert_close(ga.merge(none, some), some)
    torch.testing.assert_close(ga.merge(none, none), none)


@pytest.mark.parametrize("backend", ["auto", "reference"])
def test_hidden_rows_have_lse_minus_infinity(backend):
    graph = ga.Graph(torch.tensor([[0, 1, 1], [0, 0, 1]]), 3)
    bias = torch.tensor([0.0, 1.0, -math.inf]).view(3, 1)
    x = torch.zeros(3, 1, 2)
    lse = ga.attention(x, x, x, graph, edge_bias=bias, return_state=True, backend=backend).lse.flatten()
    torch.testing.assert_close(lse, torch.tensor([math.log(1 + math.e), -math.inf, -math.inf]))


def test_rows_that_saw_nothing_give_no_nan_to_the_gradient():
    _, parts = graphs()
    leaves = [tensor.requires_grad_() for tensor in qkv()]
    merged = ga.merge(*(state(*leaves, part) for part in parts))
    for gradient in torch.autograd.grad(merged.out.sum(), leaves):
        assert gradient.isfinite().all()


def test_gradcheck():
    out, lse = numbers(2, 3, 2, 2), numbers(2, 3, 2, seed=1)
    lse[1, 2] = -math.inf  # one of the two states has not seen the third row

    def merged(out, lse):
        return ga.merge(*(ga.State(*pair) for pair in zip(out, lse, strict=True)))

    assert torch.autograd.gradcheck(merged, (out.requires_grad_(), lse))
    finite = numbers(2, 3, 2, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(merged, (out, finite))


def test_far_apart_scores_do_not_overflow():
    near, far = (
        ga.State(torch.full((1, 1, 1), value), torch.tensor([[lse]])) for value, lse in ((3.0, 1e4), (5.0, -1e4))
    )
    found = ga.merge(near, far)
    assert (found.out.item(), found.lse.item()) == (3, 1e4)
    same = ga.merge(near, ga.State(far.out, near.lse))
    assert (same.out.item(), same.lse.item()) == (pytest.approx(4), pytest.approx(1e4 + math.log(2)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_keeps_its_dtype(dtype):
    whole, parts = graphs()
    merged = ga.merge(*(state(*qkv(dtype), part) for part in parts))
    assert merged.out.dtype == dtype
    assert merged.lse.dtype == torch.float32
    exact = state(*(tensor.to(dtype).double() for tensor in qkv()), whole)
    torch.testing.assert_close(merged.out.double(), exact.out, atol=2e-2, rtol=2e-2)
    torch.testing.assert_close(merged.lse.double(), exact.lse)


def test_no_state():
    with pytest.raises(ValueError, match="merge needs at least one state"):
        ga.merge()


@pytest.mark.parametrize("other", [((N, H, D), (N, H)), ((N, H, DV), (N, 1)), ((5, H, DV), (5, H))])
def test_states_of_different_shapes(other):
    first, second = ga.State(numbers(N, H, DV), numbers(N, H)), ga.State(*(numbers(*shape) for shape in other))
    with pytest.raises(ValueError) as raised:
        ga.merge(first, second)
    assert "states of one merge share their shapes" in str(raised.value)
    assert str(list(other[0])) in str(raised.value)
    assert str([N, H, DV]) in str(raised.value)


def test_nan_is_not_taken_for_nothing():
    broken = ga.State(torch.zeros(1, 1, 1), torch.tensor([[math.nan]]))
    assert ga.merge(broken, ga.State(torch.zeros(1, 1, 1), torch.zeros(1, 1))).lse.isnan()


def test_a_list_of_states_is_a_type_error():
    one = ga.State(numbers(N, H, DV), numbers(N, H))
    with pytest.raises(TypeError, match="merge"):
        ga.merge([one, one])
