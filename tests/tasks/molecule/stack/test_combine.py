import numpy as np
import pytest
from scipy.optimize import minimize

from graphattn.tasks.molecule.stack.combine import _PRIOR, blend, stack_weights

Y = np.random.default_rng(0).normal(size=(400, 1))


def noisy(scale, seed):
    return Y + scale * np.random.default_rng(seed).normal(size=Y.shape)


def test_the_weights_solve_the_problem_of_the_docstring():
    members = {"a": noisy(0.5, 1), "b": noisy(0.7, 2), "c": Y + 2}
    weights = stack_weights(members, Y)
    errors = np.concatenate([each - Y for each in members.values()], axis=1)
    penalty = _PRIOR * (errors**2).mean()
    found = minimize(
        lambda w: ((errors @ w) ** 2).sum() + penalty * (w**2).sum(),
        np.full(3, 1 / 3),
        bounds=[(0, 1)] * 3,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        tol=1e-12,
    )
    np.testing.assert_allclose([each[0] for each in weights.values()], found.x, atol=1e-4)
    assert sum(each[0] for each in weights.values()) == pytest.approx(1)
    assert weights["a"] > weights["b"] > weights["c"]


def test_a_useless_member_gets_nothing():
    weights = stack_weights({"good": noisy(0.1, 1), "bad": Y + 50}, Y)
    assert weights["bad"][0] < 0.02


def test_each_target_has_its_own_weights_and_gaps_are_left_out():
    targets = np.concatenate([Y, Y, np.full_like(Y, np.nan)], axis=1)
    targets[::2, 1] = np.nan
    one, other = noisy(0.1, 1), noisy(2.0, 2)
    weights = stack_weights(
        {"a": np.concatenate([one, other, one], axis=1), "b": np.concatenate([other, one, one], axis=1)}, targets
    )
    assert weights["a"][0] > 0.8 > 0.2 > weights["a"][1]
    assert weights["a"][2] == weights["b"][2] == 0.5  # nothing to choose by


def test_few_molecules_do_not_choose_by_chance():
    weights = stack_weights({"a": noisy(1.0, 1)[:4], "b": noisy(1.3, 2)[:4]}, Y[:4])
    assert 0.25 < weights["a"][0] < 0.75


def test_a_single_member_and_perfect_members():
    assert stack_weights({"a": Y}, Y)["a"].tolist() == [1.0]
    assert stack_weights({"a": Y, "b": Y}, Y)["b"].tolist() == [0.5]


def test_blend():
    weights = {"a": np.array([0.25, 1.0]), "b": np.array([0.75, 0.0])}
    members = {"a": np.array([[4.0, 1.0]]), "b": np.array([[8.0, 5.0]])}
    assert blend(weights, members).tolist() == [[7.0, 1.0]]
