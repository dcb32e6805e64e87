"""Confidence: each number worked out by hand, or known from how the data were drawn."""

import numpy as np
import pytest

from graphattn.tasks.network.calibration import (
    ConformalSets,
    apply_temperature,
    blend,
    blend_weights,
    calibration_error,
    fit_temperature,
)

P = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])


def softmax(z):
    powers = np.exp(z - z.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def drawn(size=4000, seed=0):
    """Probabilities, and labels drawn with them."""
    draw = np.random.default_rng(seed)
    p = softmax(draw.standard_normal((size, 3)))
    return p, (draw.random((size, 1)) > p.cumsum(1)).sum(1)


def test_temperature_undoes_overconfidence():
    p, y = drawn()
    sharp = apply_temperature("multiclass", p, 1 / 3)
    np.testing.assert_allclose(fit_temperature("multiclass", sharp, y), 3, rtol=0.1)
    np.testing.assert_allclose(apply_temperature("multiclass", sharp, 3), p)
    assert calibration_error("multiclass", sharp, y) > 3 * calibration_error("multiclass", p, y)
    several = p[:, :1]
    np.testing.assert_allclose(
        apply_temperature("multilabel", apply_temperature("multilabel", several, 0.5), 2), several
    )
    assert fit_temperature("regression", p[:, :1], p[:, 0]) == 1


def test_a_few_right_answers_make_nobody_sure():
    p = np.full((7, 2), [0.8, 0.2])
    sure = apply_temperature("multiclass", p, fit_temperature("multiclass", p, np.zeros(7, dtype=np.int64)))
    np.testing.assert_allclose(sure[:, 0], 8 / 9, atol=1e-4)


def test_calibration_error_by_hand():
    # confidences 0.9, 0.8, 0.7, 0.6 are in bins of their own; right, wrong, right, right
    assert calibration_error("multiclass", P, np.array([0, 1, 1, 1])) == pytest.approx((0.1 + 0.8 + 0.3 + 0.4) / 4)
    assert calibration_error("multilabel", P[:, :1], np.array([[1.0], [np.nan], [1.0], [0.0]])) == pytest.approx(
        (0.1 + 0.7 + 0.4) / 3
    )


def test_a_blend_leaves_out_who_knows_nothing():
    p, y = drawn(1000)
    even = np.full_like(p, 1 / 3)
    weights = blend_weights("multiclass", [p, even], y)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] > 0.9
    value = np.linspace(-1, 1, 50)
    weights = blend_weights("regression", [value[:, None] * 2, value[:, None] * 0, value[::-1, None]], value)
    np.testing.assert_allclose(
        blend([value[:, None] * 2, value[:, None] * 0, value[::-1, None]], weights)[:, 0], value, atol=1e-6
    )


def test_sets_cover_what_they_promise():
    p, y = drawn()
    sets = ConformalSets.fit("multiclass", p[:2000], y[:2000], 0.8).sets(p[2000:])
    assert abs(sets[np.arange(2000), y[2000:]].mean() - 0.8) < 0.04
    assert sets.any(1).all()
    assert ConformalSets.fit("multiclass", p[:0], y[:0]).sets(p).all()


def test_intervals_are_as_wide_as_the_errors():
    errors = np.arange(1, 100.0)  # 99 of them
    fitted = ConformalSets.fit("regression", np.zeros((99, 1)), errors, 0.9)
    np.testing.assert_allclose(fitted.intervals(np.array([[5.0]])), [[5 - 90, 5 + 90]], atol=1.01)
