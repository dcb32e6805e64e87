"""Every variant of the fused operator against the reference in float64, forward and backward."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ops.lowering.cases import EDGE_TERMS, FUSED, HEADS, NORMALIZERS, SCORES, WIDTHS, Case, pairwise, tensors
from ops.lowering.rounding import assert_as_good_as_plain_torch
from strategies import graphs

import graphattn as ga

pytest.importorskip("numba")

DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
CHOICES = {
    "score": SCORES,
    "normalize": NORMALIZERS,
    "edges": tuple(EDGE_TERMS),
    "dtype": DTYPES,
    "heads": HEADS,
    "widths": ((5, 7, 2), (1, 1, 1), (8, 16, 3), (13, 3, 5), (32, 33, 4)),
    "returns": ("out", "weights", "state"),
    "dropout": (0.0, 0.4),
    "scale": (None, -0.6),
}
EMPTY, NO_EDGES = (ga.Graph(torch.empty(2, 0, dtype=torch.long), nodes) for nodes in (0, 5))
ZOO = ga.testing.zoo()


@pytest.mark.parametrize("case", pairwise(**CHOICES), ids=str)
def test_every_pair_of_choices(case):
    for name in ("unsorted", "hub", "more_sources", "isolated_nodes"):
        assert_as_good_as_plain_torch(case, ZOO[name], tensors(case, ZOO[name]))


@pytest.mark.parametrize("name", sorted(ZOO))
def test_on_the_zoo(name):
    for case in pairwise(score=SCORES, normalize=NORMALIZERS):
        assert_as_good_as_plain_torch(case, ZOO[name], tensors(case, ZOO[name]))


@pytest.mark.parametrize("name", ["unsorted", "hub"])
def test_of_zeros(name):
    """Where all scores are the same, and on the kink of each ReLU."""
    for case in pairwise(score=SCORES, normalize=NORMALIZERS, edges=("bias", "value")):
        assert_as_good_as_plain_torch(case, ZOO[name], tensors(case, ZOO[name], size=0.0))


def cases():
    choices = CHOICES | {"dtype": (torch.float32, torch.float32, torch.float64)}
    drawn = {name: st.sampled_from(values) for name, values in choices.items()}
    drawn["widths"] = st.tuples(st.sampled_from(WIDTHS), st.sampled_from(WIDTHS), st.integers(1, 9))
    return st.builds(Case, **drawn).filter(lambda case: case.is_valid)


@settings(max_examples=100, deadline=None)
@given(case=cases(), graph=graphs() | graphs(bipartite=True), seed=st.integers(0, 99))
@example(case=Case(edges="everything"), graph=EMPTY, seed=0)
@example(case=Case(edges="everything"), graph=NO_EDGES, seed=0)
def test_on_drawn_graphs(case, graph, seed):
    assert_as_good_as_plain_torch(case, graph, tensors(case, graph, seed))


def test_no_score_and_no_bias_is_a_mean():
    graph = ZOO["unsorted"]
    v = torch.randn(13, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    found = {}
    for backend in ("reference", FUSED):
        out = ga.attention(None, None, v, graph, score="none", backend=backend)
        (grad,) = torch.autograd.grad(out.square().sum(), v)
        found[backend] = out, grad
    for want, have in zip(found["reference"], found[FUSED], strict=True):
        torch.testing.assert_close(have, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("beta", [2.0, torch.tensor(2.0), torch.tensor([1.0, 2.0, 3.0])], ids=["number", "one", "each"])
def test_cosine_with_a_number_or_a_tensor(beta):
    graph = ZOO["hub"]
    q, k, v = (torch.randn(71, 3, width, generator=torch.Generator().manual_seed(width)) for width in (5, 5, 7))
    q[3] = 0  # has cosine 0 with everything
    found = [ga.attention(q, k, v, graph, score=ga.scores.Cosine(beta), backend=name) for name in ("reference", FUSED)]
    torch.testing.assert_close(found[1], found[0])
