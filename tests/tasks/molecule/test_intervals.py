"""Coverage is random: each bound here is |z| < 4 of the binomial share, met by a fixed seed, not tuned to it."""

import numpy as np
import pytest

from graphattn.tasks.molecule.intervals import FEWEST, Difficulty, Intervals, coverage, describe_coverage

CALIBRATE, TEST = 1000, 5000


def molecules(generator, n):
    """Predictions whose error grows with the members' spread and with the distance, as the difficulty supposes."""
    spread, distance = generator.gamma(2.0, 0.2, n), generator.uniform(0, 1, n)
    predicted = generator.normal(size=n)
    measured = predicted + generator.laplace(size=n) * (0.2 + spread + 0.5 * distance)
    return predicted, spread, distance, measured


def z_of(held, count, level, calibrated):
    """How many standard deviations a share is off: from the test's sampling and from the calibration's."""
    return (held - level) / np.sqrt(level * (1 - level) * (1 / count + 1 / calibrated))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_intervals_hold_what_they_say(seed, level):
    generator = np.random.default_rng(seed)
    intervals = Intervals.calibrate(*molecules(generator, CALIBRATE))
    predicted, spread, distance, measured = molecules(generator, TEST)
    low, high = intervals(predicted, spread, distance, level)
    held = (low <= measured) & (measured <= high)
    assert abs(z_of(held.mean(), TEST, level, CALIBRATE)) < 4
    wide = spread > np.median(spread)  # scaled by difficulty: neither half pays for the other
    if level == 0.9:
        assert all(abs(held[half].mean() - level) < 0.05 for half in (wide, ~wide))


def test_a_difficulty_that_says_nothing_costs_no_coverage():
    generator = np.random.default_rng(7)
    predicted, spread, distance, _ = molecules(generator, CALIBRATE + TEST)
    measured = predicted + generator.normal(size=len(predicted))
    some, rest = slice(CALIBRATE), slice(CALIBRATE, None)
    intervals = Intervals.calibrate(predicted[some], spread[some], distance[some], measured[some])
    low, high = intervals(predicted[rest], spread[rest], distance[rest])
    found = coverage(low, high, measured[rest])
    assert abs(z_of(found["held"], TEST, 0.9, CALIBRATE)) < 4


def test_difficulty_rises_with_spread_and_with_distance():
    _, spread, distance, _ = molecules(np.random.default_rng(1), CALIBRATE)
    predicted, measured = np.zeros(CALIBRATE), 0.3 + 2 * spread + distance
    difficulty = Difficulty.fit(spread, distance, measured - predicted)
    grid = np.linspace(0, 2, 41)
    for values in (difficulty(grid, np.full(41, 0.5)), difficulty(np.full(41, 0.5), grid)):
        assert (np.diff(values) >= 0).all()
        assert values[-1] > values[0]
    against = Difficulty.fit(spread, distance, 3.0 - 0.5 * np.minimum(spread, 1) - distance)
    assert min(against.weights) >= 0  # errors that fall with both: all molecules are equally difficult
    assert (np.diff(against(grid, grid)) >= 0).all()


def test_few_molecules_are_equally_difficult_and_fewer_have_no_interval():
    predicted, spread, distance, measured = molecules(np.random.default_rng(2), 49)
    few = Intervals.calibrate(predicted, spread, distance, measured)
    assert few.difficulty.weights[1:] == (0.0, 0.0)
    measured[FEWEST:] = np.nan
    ten = Intervals.calibrate(predicted, spread, distance, measured)
    low, high = ten(predicted, spread, distance)
    error = np.abs(measured - predicted)[:FEWEST].max()
    np.testing.assert_allclose((high - low) / 2, error)  # of ten, the largest
    measured[0] = np.nan
    assert Intervals.calibrate(predicted, spread, distance, measured) is None


def test_one_member_and_perfect_predictions():
    zeros = np.zeros(60)
    intervals = Intervals.calibrate(zeros, zeros, zeros, zeros)
    low, high = intervals(np.ones(3), np.zeros(3), np.array([0.1, 0.9, np.nan]))
    assert low.tolist()[:2] == high.tolist()[:2] == [1.0, 1.0]
    assert np.isnan(low[2])
    assert np.isnan(high[2])


def test_what_is_counted_and_said():
    low, high = np.array([0.0, 0.0, np.nan, 0.0]), np.array([1.0, 3.0, np.nan, 2.0])
    found = coverage(low, high, np.array([1.0, 5.0, 0.0, np.nan]))
    assert (found["values"], found["held"], found["half_width"]) == (2, 0.5, 1.0)
    assert coverage(low, high, np.full(4, np.nan)) is None
    found = {"level": 0.9, "values": 100, "held": 0.91, "chance": [0.84, 0.95], "half_width": 0.9123}
    start = "90% intervals hold 91% of 100 test values, in the median ±0.912 log mol/L"
    assert describe_coverage(found, unit="log mol/L") == f"{start}; 84% to 95% is within chance."
    assert "of 100 test values of 'logS', in" in describe_coverage(found, "logS")
    fewer = describe_coverage({**found, "held": 0.7})
    assert fewer.endswith("That is fewer than chance explains (84% to 95%): the test molecules are harder.")
    more = describe_coverage({**found, "held": 1.0})
    assert more.endswith("That is more than chance explains (84% to 95%): the test molecules are easier.")
