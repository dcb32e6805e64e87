"""Numbers on a common scale, by hand."""

import numpy as np

from graphattn.tasks.network.number_scaler import NumberScaler

NAN = float("nan")


def test_numbers_are_centered_and_gaps_flagged():
    x = np.array([[0.0, 10.0, 1.0], [1.0, 20.0, NAN], [1.0, 30.0, 3.0], [0.0, 40.0, 5.0], [1.0, 50.0, 1.0]])
    z = NumberScaler.fit(x).transform(x)
    assert z.shape == (5, 4)
    np.testing.assert_array_equal(z[:, 0], x[:, 0])  # zeros and ones stay
    s = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    np.testing.assert_allclose(z[:, 1], s / np.sqrt(1 + (s / 3) ** 2))
    np.testing.assert_array_equal(z[:, 3], [0, 1, 0, 0, 0])
    assert z[1, 2] == 0


def test_a_column_without_numbers_or_without_change_is_no_trouble():
    x = np.array([[NAN, 7.0], [NAN, 7.0]])
    np.testing.assert_array_equal(NumberScaler.fit(x).transform(x), [[0, 0, 1], [0, 0, 1]])
