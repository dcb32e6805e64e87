import numpy as np
import pytest

from graphattn.tasks.molecule.stack.folds import make_folds


def test_every_molecule_lies_in_one_fold_and_groups_stay_together():
    groups = ["a", "b", "a", 3, 4, "b", 5, 6, 7, 8, "a"]
    folds = make_folds(groups, np.arange(11.0)[:, None], 3, classes=False, seed=0)
    assert sorted(np.concatenate(folds).tolist()) == list(range(11))
    assert sorted(map(len, folds)) == [3, 4, 4]
    for name in ("a", "b"):
        rows = [row for row, group in enumerate(groups) if group == name]
        assert sum(bool(np.isin(rows, fold).any()) for fold in folds) == 1


@pytest.mark.parametrize("seed", range(3))
def test_rare_classes_and_values_are_shared_out(seed):
    targets = np.zeros((23, 2))
    targets[[1, 5, 22], 0] = 1
    targets[:17, 1] = np.nan
    folds = make_folds(range(23), targets, 3, classes=True, seed=seed)
    assert [int(targets[fold, 0].sum()) for fold in folds] == [1, 1, 1]
    assert all(1 <= (~np.isnan(targets[fold, 1])).sum() <= 3 for fold in folds)
    assert all(6 <= len(fold) <= 9 for fold in folds)


def test_fewer_groups_than_folds():
    assert [fold.tolist() for fold in make_folds([1, 1, 1], np.zeros((3, 1)), 5, classes=False, seed=0)] == [[0, 1, 2]]


def test_the_seed_decides_which():
    first, again, other = (make_folds(range(50), np.zeros((50, 1)), 5, classes=False, seed=s) for s in (0, 0, 1))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert any(a.tolist() != b.tolist() for a, b in zip(first, other, strict=True))
