import math

import numpy as np
import pytest

from graphattn.tasks.molecule.metrics import evaluate

NAN = np.nan


def test_regression_by_hand():
    metrics = evaluate("regression", np.array([[1.0], [2.0], [9.0]]), np.array([[1.0], [4.0], [NAN]]))
    assert metrics["rmse"] == pytest.approx(math.sqrt(2))
    assert metrics["mae"] == pytest.approx(1.0)
    assert metrics["r2"] == pytest.approx(1 - 4 / 4.5)


def test_classification_by_hand():
    probabilities = np.array([[0.9], [0.8], [0.3], [0.2]])
    metrics = evaluate("classification", probabilities, np.array([[1.0], [0.0], [1.0], [0.0]]))
    assert metrics["roc_auc"] == pytest.approx(0.75)
    assert metrics["average_precision"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert metrics["accuracy"] == pytest.approx(0.5)


def test_several_targets_give_means_and_each():
    metrics = evaluate("regression", np.array([[1.0, 0.0]] * 2), np.array([[0.0, NAN], [2.0, NAN]]), ["a", "b"])
    assert metrics["r2"] == pytest.approx(0.0)  # of the one target that has values
    assert "rmse" not in metrics  # a mean over two units
    assert metrics["per_target"]["a"]["rmse"] == pytest.approx(1.0)
    assert math.isnan(metrics["per_target"]["b"]["rmse"])
    assert "per_target" not in evaluate("regression", np.zeros((2, 2)), np.ones((2, 2)))


def test_what_is_not_defined_is_nan():
    assert math.isnan(evaluate("regression", np.ones((1, 1)), np.zeros((1, 1)))["r2"])
    one_class = evaluate("classification", np.array([[0.7], [0.2]]), np.ones((2, 1)))
    assert math.isnan(one_class["roc_auc"])
    assert one_class["accuracy"] == 0.5
