"""What makes a normalizer: sums, ranges, invariances, and what becomes of infinities and NaN."""

import math

import pytest
import torch

import graphattn as ga
from graphattn.ops.normalizers import NORMALIZERS, get_normalizer, log_sum_exp
from graphattn.ops.segment import Rows

H = 3
DEGREES = (5, 0, 1, 13, 0, 2)
SUM_TO_ONE = ["softmax", "linear", "sparsemax", "entmax15", "argmax"]
SHIFT_INVARIANT = ["softmax", "sparsemax", "entmax15", "argmax"]


def make_rows(degrees=DEGREES):
    degrees = torch.tensor(degrees, dtype=torch.long)
    indptr = torch.cat([torch.zeros(1, dtype=torch.long), degrees.cumsum(0)])
    return Rows(torch.arange(len(degrees)).repeat_interleave(degrees), indptr)


def scores(rows, seed=0, scale=2.0):
    drawn = torch.Generator().manual_seed(seed)
    return scale * torch.randn(rows.index.numel(), H, generator=drawn, dtype=torch.float64)


def weights_of(name, *values):
    """The weights of one destination whose edges have these scores."""
    column = torch.tensor(values, dtype=torch.float64).unsqueeze(1)
    return NORMALIZERS[name](column, make_rows((len(values),))).flatten()


def assert_weights(name, given, want):
    torch.testing.assert_close(weights_of(name, *given), torch.tensor(want, dtype=torch.float64))


@pytest.mark.parametrize(
    ("name", "scale"),
    [(name, scale) for name in SUM_TO_ONE for scale in (0.0, 1.0, 100.0) if (name, scale) != ("linear", 0.0)],
)
def test_weights_sum_to_one_where_there_is_an_edge(name, scale):
    rows = make_rows()
    given = scores(rows, scale=scale)
    total = rows.sum(NORMALIZERS[name](given.abs() if name == "linear" else given, rows))
    want = torch.tensor([float(degree > 0) for degree in DEGREES], dtype=torch.float64)
    torch.testing.assert_close(total, want.unsqueeze(1).expand(-1, H))


@pytest.mark.parametrize("name", sorted(set(NORMALIZERS) - {"identity", "linear"}))
def test_weights_are_not_negative(name):
    rows = make_rows()
    assert (NORMALIZERS[name](scores(rows), rows) >= 0).all()


@pytest.mark.parametrize("name", SHIFT_INVARIANT)
def test_a_constant_added_to_a_row_changes_nothing(name):
    rows = make_rows()
    given = scores(rows)
    shift = torch.tensor([100.0, 1.0, -7.0, 30.0, 2.0, -1000.0], dtype=torch.float64).unsqueeze(1)
    torch.testing.assert_close(NORMALIZERS[name](given + rows.spread(shift), rows), NORMALIZERS[name](given, rows))


@pytest.mark.parametrize("name", sorted(NORMALIZERS))
def test_rows_do_not_see_one_another(name):
    rows = make_rows()
    given = scores(rows)
    whole = NORMALIZERS[name](given, rows)
    for row, (start, end) in enumerate(zip(rows.indptr[:-1].tolist(), rows.indptr[1:].tolist(), strict=True)):
        alone = NORMALIZERS[name](given[start:end], make_rows((DEGREES[row],)))
        torch.testing.assert_close(alone, whole[start:end])


@pytest.mark.parametrize("name", sorted(NORMALIZERS))
def test_without_edges(name):
    for degrees in ((), (0, 0, 0)):
        assert NORMALIZERS[name](torch.empty(0, H), make_rows(degrees)).shape == (0, H)


def test_by_hand():
    assert_weights("softmax", [0.0, math.log(3)], [0.25, 0.75])
    assert_weights("relu", [-2.0, 3.0], [0.0, 3.0])
    assert_weights("sigmoid", [0.0, math.log(3)], [0.5, 0.75])
    assert_weights("identity", [-2.0, 3.0], [-2.0, 3.0])
    assert_weights("linear", [1.0, 3.0], [0.25, 0.75])
    assert_weights("sparsemax", [0.0, 0.5], [0.25, 0.75])
    assert_weights("sparsemax", [0.0, 0.1, 5.0], [0.0, 0.0, 1.0])
    assert_weights("sparsemax", [1.0, 1.0, 0.7], [1.3 / 3, 1.3 / 3, 0.4 / 3])  # τ = 1.7 / 3
    assert_weights("entmax15", [1.0, 1.0], [0.5, 0.5])
    # x = s/2 = (0, 0.6): (0.6 − τ)² + τ² = 1 → τ = 0.3 − √0.41
    low, high = (math.sqrt(0.41) - 0.3) ** 2, (math.sqrt(0.41) + 0.3) ** 2
    assert_weights("entmax15", [0.0, 1.2], [low, high])
    assert_weights("entmax15", [0.0, 3.0], [0.0, 1.0])
    assert_weights("argmax", [1.0, 7.0, 7.0, 2.0], [0.0, 1.0, 0.0, 0.0])


def test_linear_scores_that_sum_to_zero():
    assert_weights("linear", [0.0, 0.0], [0.0, 0.0])


def test_argmax_takes_the_first_of_the_callers_largest():
    graph = ga.Graph(torch.tensor([[3, 0, 2], [1, 1, 1]]), 4)  # all alike: edge 0, from node 3, is first
    x = torch.zeros(4, 1, 2)
    v = torch.arange(4.0).view(4, 1, 1)
    out, weights = ga.attention(x, x, v, graph, normalize="argmax", return_weights=True)
    assert weights.flatten().tolist() == [1, 0, 0]
    assert out[1].item() == 3


def test_argmax_has_no_gradient_to_the_scores():
    rows = make_rows()
    assert not NORMALIZERS["argmax"](scores(rows).requires_grad_(), rows).requires_grad


@pytest.mark.parametrize("name", ["softmax", "relu", "sigmoid", "sparsemax", "entmax15", "argmax"])
def test_minus_infinity_hides_an_edge(name):
    found = weights_of(name, 0.3, -math.inf, 0.9)
    torch.testing.assert_close(found[[0, 2]], weights_of(name, 0.3, 0.9))
    assert found[1] == 0
    assert weights_of(name, -math.inf, -math.inf).tolist() == [0, 0]


@pytest.mark.parametrize("name", sorted(NORMALIZERS))
def test_nan_ends_and_stays_in_its_row(name):
    rows = make_rows()
    given = scores(rows)
    clean = NORMALIZERS[name](given, rows)
    given[6 + 3] = math.nan  # in the row of 13 edges
    found = NORMALIZERS[name](given, rows)
    other = rows.index != 3
    torch.testing.assert_close(found[other], clean[other])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", sorted(NORMALIZERS))
def test_a_row_of_nothing_but_infinities_or_nan_ends(name, value):
    rows = make_rows()
    assert NORMALIZERS[name](torch.full((rows.index.numel(), H), value), rows).shape == (rows.index.numel(), H)


@pytest.mark.parametrize("name", sorted(NORMALIZERS))
def test_nan_shows(name):
    assert weights_of(name, 0.5, math.nan, 1.0).isnan().any()


@pytest.mark.parametrize("name", ["sparsemax", "entmax15"])
def test_sparse_weights_of_many_edges(name):
    rows = make_rows((10_007, 2))
    for scale in (1e-6, 1.0, 1e6):
        for dtype in (torch.float32, torch.float64):
            weights = NORMALIZERS[name](scores(rows, scale=scale).to(dtype), rows)
            torch.testing.assert_close(rows.sum(weights), torch.ones(2, H, dtype=dtype), atol=1e-4, rtol=1e-4)


def test_sparse_weights_are_sparse():
    rows = make_rows((97,))
    given = scores(rows)
    support = {name: (NORMALIZERS[name](given, rows) > 0).sum().item() for name in ("softmax", "entmax15", "sparsemax")}
    assert support["softmax"] == 97 * H
    assert H <= support["sparsemax"] < support["entmax15"] < 97


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_log_sum_exp(scale):
    rows = make_rows()
    given = scores(rows, scale=scale)
    want = [part.logsumexp(0) for part in given.split(list(DEGREES))]  # −inf where there is none
    torch.testing.assert_close(log_sum_exp(given, rows), torch.stack(want))


def test_log_sum_exp_shows_nan():
    rows = make_rows((2, 1))
    found = log_sum_exp(torch.tensor([[math.nan], [0.0], [1.0]]), rows)
    assert found[0].isnan()
    assert found[1] == 1


def test_an_unknown_name():
    with pytest.raises(ValueError, match=r"normalize is one of softmax, relu, .*, argmax; got 'softmin'"):
        get_normalizer("softmin")
    with pytest.raises(TypeError, match="normalize is a name, got NoneType"):
        get_normalizer(None)
