import numpy as np
import pytest

from graphattn.chem import Split
from graphattn.tasks.molecule import baselines
from graphattn.tasks.molecule.baselines import evaluate_baselines

SPLIT = Split(np.arange(60), np.arange(60, 70), np.arange(70, 97))


@pytest.fixture
def descriptors():
    values = np.random.default_rng(0).normal(size=(97, 5))
    values[::7, 3] = np.nan
    return values


def test_regression_per_target_with_gaps(descriptors):
    targets = np.stack([descriptors[:, 0], 3 + descriptors[:, 1]], axis=1)
    targets[::5, 1] = np.nan
    results = dict(evaluate_baselines("regression", descriptors, targets, SPLIT, ["a", "b"]))
    assert list(results) == ["mean", "random_forest", "gradient_boosting"]
    test = targets[SPLIT.test, 0]
    expected = np.sqrt(((test - targets[SPLIT.train, 0].mean()) ** 2).mean())
    assert results["mean"]["per_target"]["a"]["rmse"] == pytest.approx(expected)
    for rival in ("random_forest", "gradient_boosting"):
        assert results[rival]["per_target"]["b"]["r2"] > 0.5


def test_classification(descriptors):
    targets = (descriptors[:, :1] > 0).astype(float)
    results = dict(evaluate_baselines("classification", descriptors, targets, SPLIT, ["a"]))
    assert results["mean"]["roc_auc"] == pytest.approx(0.5)
    assert results["random_forest"]["roc_auc"] > 0.9


def test_the_same_seed_gives_the_same_forest(descriptors):
    x, y = descriptors[:, :3], descriptors[:, 0]
    forests = [baselines._model("random_forest", "regression", 60, seed) for seed in (1, 1, 2)]
    runs = [baselines._fit_predict(forest, x[:60], y[:60], x[60:]) for forest in forests]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()


def test_boosting_is_exact_where_it_can_be():
    kinds = [type(baselines._model("gradient_boosting", "regression", rows, 0)).__name__ for rows in (10_000, 10_001)]
    assert kinds == ["GradientBoostingRegressor", "HistGradientBoostingRegressor"]
