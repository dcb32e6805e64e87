import numpy as np
import pytest
from scipy.special import expit

from graphattn.tasks.molecule.probabilities import at_temperature, brier, fit_temperature, reliability


def drawn(seed, n=4000):
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=2.0, size=n)
    return logits, (generator.random(n) < expit(logits)).astype(float)


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_was_too_sure(factor):
    logits, classes = drawn(0)
    probabilities = expit(factor * logits)
    temperature = fit_temperature(probabilities, classes)
    assert temperature == pytest.approx(factor, rel=0.1)  # a standard error is 3 %
    calibrated = at_temperature(probabilities, temperature)
    np.testing.assert_array_equal(calibrated > 0.5, probabilities > 0.5)
    assert (np.diff(calibrated[np.argsort(probabilities)]) >= 0).all()
    if factor != 1.0:
        assert brier(calibrated, classes) < brier(probabilities, classes)


def test_missing_classes_and_too_few_of_one():
    logits, classes = drawn(1)
    holes = np.where(np.arange(len(classes)) % 3 == 0, np.nan, classes)
    assert fit_temperature(expit(logits), holes) == pytest.approx(1.0, rel=0.1)
    assert fit_temperature(expit(logits[:30]), np.ones(30)) == 1.0
    assert fit_temperature(expit(logits[:30]), np.full(30, np.nan)) == 1.0
    assert np.isnan(brier(expit(logits[:3]), np.full(3, np.nan)))


def test_certain_and_missing_probabilities():
    probabilities = np.array([0.0, 1.0, np.nan, 0.5])
    calibrated = at_temperature(probabilities, 2.0)
    assert 0 < calibrated[0] < 0.01
    assert 0.99 < calibrated[1] < 1
    assert np.isnan(calibrated[2])
    assert calibrated[3] == 0.5
    assert at_temperature(probabilities, 1.0) is probabilities
    sure = fit_temperature(np.tile([0.0, 1.0], 50), np.tile([0.0, 1.0], 50))
    assert 0.049 < sure < 20.1


def test_groups_of_a_reliability_plot():
    logits, classes = drawn(2)
    found = reliability(expit(logits), classes)
    assert len(found.predicted) == 10
    assert (np.diff(found.predicted) > 0).all()
    assert ((found.low <= found.observed) & (found.observed <= found.high)).all()
    spread = np.sqrt(found.predicted * (1 - found.predicted) / 400)
    assert (np.abs(found.observed - found.predicted) < 4 * spread).all()
    assert len(reliability(np.array([0.3, 0.6]), np.array([0.0, 1.0])).observed) == 1
