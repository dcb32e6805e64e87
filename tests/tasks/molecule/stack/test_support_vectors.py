import numpy as np
import pytest
from sklearn.svm import SVC, SVR

from graphattn.tasks.molecule.stack import support_vectors
from graphattn.tasks.molecule.stack.inputs import make_inputs

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(61, 4))
INPUTS = make_inputs(X, X, list(np.zeros((61, 1), dtype=np.int32)))


def test_the_formula_is_scikit_learns(monkeypatch):
    y = 5 + 3 * X[:, 0] ** 2
    machine = SVR(C=10.0, epsilon=0.1, gamma=0.5 / 4).fit(X, (y - y.mean()) / y.std())
    member = support_vectors.SupportVectors.fit(INPUTS, y[:, None], task="regression", seed=0)
    monkeypatch.setattr(support_vectors, "_CHUNK", 7)
    np.testing.assert_allclose(member.predict(INPUTS)[:, 0], machine.predict(X) * y.std() + y.mean())


def test_decisions_are_scikit_learns():
    y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(float)
    decisions = SVC(C=1.0, gamma=0.5 / 4).fit(X, y).decision_function(X)
    member = support_vectors.SupportVectors.fit(INPUTS, y[:, None], task="classification", seed=0)
    odds = member.predict(INPUTS)[:, 0]
    odds = np.log(odds / (1 - odds))
    slope, offset = np.polyfit(decisions, odds, 1)
    np.testing.assert_allclose(odds, slope * decisions + offset, atol=1e-6)
    assert slope > 0


def test_of_many_molecules_some_are_drawn(monkeypatch):
    monkeypatch.setattr(support_vectors, "_MOST", 20)
    member = support_vectors.SupportVectors.fit(INPUTS, X[:, :1], task="regression", seed=0)
    assert len(member.models[0]["support"]) <= 20
    assert np.isfinite(member.predict(INPUTS)).all()


def test_one_positive_has_probabilities():
    y = np.zeros((61, 1))
    y[3] = 1
    predicted = support_vectors.SupportVectors.fit(INPUTS, y, task="classification", seed=0).predict(INPUTS)
    assert predicted[:, 0].max() < 1
    assert predicted[3, 0] == pytest.approx(predicted.max())
