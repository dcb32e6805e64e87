import numpy as np
import pytest

from graphattn.tasks.molecule.bootstrap import RESAMPLES, interval, resampled


def test_the_interval_of_a_mean_is_that_of_its_standard_error():
    values = np.random.default_rng(1).normal(5.0, 2.0, size=400)
    samples = resampled(lambda rows: values[rows].mean(keepdims=True), len(values))
    assert samples.shape == (RESAMPLES, 1)
    low, high = interval(samples[:, 0])
    error = values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.4 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.4 * error)


def test_what_is_not_defined_does_not_count():
    assert interval(np.array([np.nan, 1.0, np.nan, 1.0])) == (1.0, 1.0)
    assert np.isnan(interval(np.array([np.nan]))).all()
