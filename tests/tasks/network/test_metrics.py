"""Metrics, by hand."""

import numpy as np
import pytest

from graphattn.tasks.network.metrics import confusion, evaluate, likelihood, log_loss, score

P = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])


def test_classes_by_hand():
    y = np.array([0, 1, 1, 1])
    found = evaluate("multiclass", P, y)
    assert found["accuracy"] == 0.75
    assert found["macro_f1"] == pytest.approx((2 / 3 + 0.8) / 2)
    assert found["roc_auc"] == 1
    assert confusion(P, y).tolist() == [[1, 0], [1, 2]]
    np.testing.assert_allclose(likelihood("multiclass", P, y), [0.9, 0.2, 0.7, 0.6])
    assert log_loss("multiclass", P, y) == pytest.approx(-np.log([0.9, 0.2, 0.7, 0.6]).mean())
    assert np.isnan(evaluate("multiclass", P, np.zeros(4, dtype=np.int64))["roc_auc"])


def test_several_labels_leave_out_what_is_unknown():
    y = np.array([[1.0, np.nan], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    assert evaluate("multilabel", P, y)["accuracy"] == pytest.approx((1 + 2 / 3) / 2)


def test_numbers_by_hand():
    found = evaluate("regression", np.array([[1.0], [2.0], [4.0]]), np.array([1.0, 2.0, 3.0]))
    assert found == pytest.approx({"r2": 0.5, "rmse": (1 / 3) ** 0.5, "mae": 1 / 3})
    assert score("regression", "mae", np.array([[1.0]]), np.array([2.0])) == -1
    assert score("regression", "r2", np.array([[1.0]]), np.array([2.0])) == -np.inf
