"""What every quick member must do."""

import numpy as np
import pytest

from graphattn.tasks.common.errors import ModelDirectoryError
from graphattn.tasks.molecule.config import MEMBERS
from graphattn.tasks.molecule.stack.inputs import make_inputs
from graphattn.tasks.molecule.stack.members import QUICK
from graphattn.tasks.molecule.stack.stack import NETWORK

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(97, 5))
RAW = np.where(RANDOM.random(X.shape) < 0.05, np.nan, X)
INPUTS = make_inputs(X, RAW, list(RANDOM.integers(0, 3, size=(97, 11), dtype=np.int32)))
VALUES = np.stack([3 + X[:, 0], np.where(np.arange(97) % 5, 100 - 10 * X[:, 1], np.nan)], axis=1)
CLASSES = np.where(np.isnan(VALUES), np.nan, X[:, :2] > 0.3)
every_member = pytest.mark.parametrize("name", QUICK)
every_task = pytest.mark.parametrize(("task", "targets"), [("regression", VALUES), ("classification", CLASSES)])


def test_the_names_are_those_of_the_recipe():
    assert [NETWORK, *QUICK] == list(MEMBERS)


@every_member
def test_values_of_several_targets_with_gaps(name):
    member = QUICK[name].fit(INPUTS, VALUES, task="regression", seed=0)
    predicted = member.predict(INPUTS)
    assert predicted.shape == VALUES.shape
    known = ~np.isnan(VALUES)
    for target in range(2):
        rows = known[:, target]
        assert np.corrcoef(predicted[rows, target], VALUES[rows, target])[0, 1] > 0.8


@every_member
def test_probabilities(name):
    predicted = QUICK[name].fit(INPUTS, CLASSES, task="classification", seed=0).predict(INPUTS)
    assert ((predicted >= 0) & (predicted <= 1)).all()
    for target in range(2):
        known = ~np.isnan(CLASSES[:, target])
        p, y = predicted[known, target], CLASSES[known, target]
        assert p[y == 1].mean() > p[y == 0].mean() + 0.05


@every_member
@every_task
def test_what_is_read_predicts_the_same(name, task, targets, tmp_path):
    member = QUICK[name].fit(INPUTS, targets, task=task, seed=0)
    member.write(tmp_path, name)
    again = QUICK[name].read(tmp_path, name, task, 2)
    np.testing.assert_array_equal(again.predict(INPUTS), member.predict(INPUTS))
    assert {path.suffix for path in tmp_path.iterdir()} <= {".safetensors", ".txt"}


@every_member
@every_task
def test_the_same_seed_gives_the_same_member(name, task, targets):
    first, again = (QUICK[name].fit(INPUTS, targets, task=task, seed=3).predict(INPUTS) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@every_member
@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("count", [0, 1, 12])
def test_where_nothing_can_be_learned(name, task, count):
    targets = np.full((97, 1), np.nan)
    targets[:count] = 1.0
    predicted = QUICK[name].fit(INPUTS, targets, task=task, seed=0).predict(INPUTS)
    expected = {"regression": 1.0 if count else 0.0, "classification": 0.99 if count else 0.5}[task]
    np.testing.assert_allclose(predicted, expected)


@every_member
@every_task
def test_a_handful_of_molecules(name, task, targets):
    rows = np.arange(1, 8)
    predicted = QUICK[name].fit(INPUTS[rows], targets[rows], task=task, seed=0).predict(INPUTS)
    assert np.isfinite(predicted).all()


@every_member
def test_missing_and_damaged_files(name, tmp_path):
    with pytest.raises(ModelDirectoryError, match="is missing"):
        QUICK[name].read(tmp_path, name, "regression", 1)
    QUICK[name].fit(INPUTS, VALUES[:, :1], task="regression", seed=0).write(tmp_path, name)
    with pytest.raises(ModelDirectoryError, match=r"is missing|is damaged"):
        QUICK[name].read(tmp_path, name, "regression", 2)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-3000] if path.suffix == ".txt" else path.read_bytes()[:-9])
    with pytest.raises(ModelDirectoryError, match="is damaged"):
        QUICK[name].read(tmp_path, name, "regression", 1)
