import gzip
import json

import numpy as np
import pytest
import torch
from expectation import assert_mean
from hypothesis import given
from hypothesis import strategies as st

from graphattn.chem import (
    SmilesError,
    Split,
    parse_smiles,
    random_split,
    scaffold_split,
    scaffolds,
    stratified_split,
)


def assert_covers(split, n):
    for part in split:
        assert part.dtype == np.int64
        assert np.array_equal(part, np.sort(part))
    assert np.array_equal(np.sort(np.concatenate(split)), np.arange(n))


def sizes(split):
    return [len(part) for part in split]


@given(n=st.integers(0, 97), seed=st.integers(0, 5))
def test_random_split_covers_every_row_once(n, seed):
    split = random_split(n, seed=seed)
    assert_covers(split, n)
    assert isinstance(split, Split)


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (0, [0, 0, 0]),
        (1, [1, 0, 0]),
        (2, [1, 0, 1]),
        (3, [1, 1, 1]),
        (10, [8, 1, 1]),
        (29, [23, 3, 3]),
        (1128, [902, 113, 113]),
    ],
)
def test_random_split_sizes(n, expected):
    assert sizes(random_split(n)) == expected


def test_random_split_other_fractions():
    assert sizes(random_split(10, (0.7, 0.2, 0.1))) == [7, 2, 1]  # 0.7 + 0.2 < 0.9 in floating point
    assert sizes(random_split(3, (0.9, 0, 0.1))) == [2, 0, 1]
    assert sizes(random_split(7, (1, 0, 0))) == [7, 0, 0]


def test_random_split_favors_no_row_and_no_pair_of_rows():
    """Each row is in the test set as often as the next, and two of them together as chance has it."""
    drawn = np.zeros((3000, 10))
    for seed, row in enumerate(drawn):
        row[random_split(10, (0.5, 0.2, 0.3), seed=seed).test] = 1
    drawn = torch.from_numpy(drawn)
    pairs = drawn.unsqueeze(1) * drawn.unsqueeze(2)
    expected = torch.full((10, 10), 3 / 10 * 2 / 9).fill_diagonal_(3 / 10)
    assert_mean(pairs, expected, rather_than=torch.full((10, 10), (3 / 10) ** 2).fill_diagonal_(1 / 5))


def test_random_split_seed():
    assert np.array_equal(random_split(101, seed=3).test, random_split(101, seed=3).test)
    assert not np.array_equal(random_split(101, seed=3).test, random_split(101, seed=4).test)
    # every row can land in every set
    seen = np.zeros((3, 11))
    for seed in range(200):
        for part, rows in enumerate(random_split(11, seed=seed)):
            seen[part, rows] += 1
    assert seen.min() > 0


@pytest.mark.parametrize(
    "fractions", [(0.8, 0.2), (0.8, 0.1, 0.2), (-0.1, 0.6, 0.5), (0, 0.5, 0.5), (float("nan"), 0, 1)]
)
def test_bad_fractions(fractions):
    for split in (
        lambda: random_split(5, fractions),
        lambda: stratified_split([1, 2], fractions),
        lambda: scaffold_split(["C"], fractions),
    ):
        with pytest.raises(ValueError, match="fractions must be three numbers"):
            split()


def test_negative_n():
    with pytest.raises(ValueError, match="n must be 0 or more, got -1"):
        random_split(-1)


@given(
    counts=st.lists(st.integers(1, 60), min_size=1, max_size=7),
    fractions=st.sampled_from([(0.8, 0.1, 0.1), (0.6, 0.2, 0.2), (0.5, 0, 0.5)]),
)
def test_stratified_split_keeps_class_proportions(counts, fractions):
    y = np.repeat(np.arange(len(counts)), counts)
    np.random.default_rng(0).shuffle(y)
    split = stratified_split(y, fractions)
    assert_covers(split, len(y))
    assert sizes(split) == sizes(random_split(len(y), fractions))
    for rows in split:
        for label, count in enumerate(counts):
            assert abs((y[rows] == label).sum() - count * len(rows) / len(y)) < 2


def test_stratified_split_classes_of_any_kind():
    for y in (
        ["yes"] * 10 + ["no"] * 90,
        [True] * 10 + [False] * 90,
        [1.0] * 10 + [0.0] * 90,
        [None] * 10 + ["a"] * 90,
    ):
        test = stratified_split(y).test
        assert ((test < 10).sum(), (test >= 10).sum()) == (1, 9)


def test_stratified_split_ranges():
    y = np.random.default_rng(0).normal(size=1000)
    split = stratified_split(y)
    decile = np.argsort(np.argsort(y)) // 100
    assert np.bincount(decile[split.test]).tolist() == [10] * 10
    assert np.bincount(decile[split.valid]).tolist() == [10] * 10
    assert not np.array_equal(split.test, stratified_split(y, seed=1).test)


def test_stratified_split_missing_values_are_shared_out():
    y = np.random.default_rng(0).normal(size=200)
    y[:40] = np.nan
    assert [(rows < 40).sum() for rows in stratified_split(y)] == [32, 4, 4]


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_stratified_split_few_rows(n):
    assert sizes(stratified_split(np.arange(n))) == sizes(random_split(n))


def test_stratified_split_bad_input():
    with pytest.raises(ValueError, match=r"y must be one target of shape \[n\], got shape \[3, 2\]"):
        stratified_split(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="bins must be at least 1, got 0"):
        stratified_split([1, 2, 3], bins=0)


def test_scaffolds_by_hand():
    # acyclic; substituted benzene; ring with a side chain and a linker; chirality dropped
    smiles = ["CCO", "Cc1ccccc1O", "CCc1ccccc1CC1CC1", "C[C@H]1CC[C@@H](C2CC2)CC1"]
    assert scaffolds(smiles) == ["", "c1ccccc1", "c1ccc(CC2CC2)cc1", "C1CCC(C2CC2)CC1"]


def test_scaffold_split_by_hand():
    # 10 rows; groups: benzene {0,2,4,6,8}, acyclic {1,3}, cyclohexane {5}, pyridine {7}, furan {9}.
    # Order: benzene, acyclic, then of the single ones the later first: furan 9, pyridine 7, cyclohexane 5.
    rings = [
        "c1ccccc1C",
        "CC",
        "c1ccccc1O",
        "CO",
        "c1ccccc1N",
        "C1CCCCC1",
        "c1ccccc1F",
        "n1ccccc1",
        "c1ccccc1Cl",
        "o1cccc1",
    ]
    split = scaffold_split(rings)
    assert [part.tolist() for part in split] == [[0, 1, 2, 3, 4, 6, 8, 9], [7], [5]]
    mols = [parse_smiles(smiles) for smiles in rings]
    assert [part.tolist() for part in scaffold_split(mols)] == [part.tolist() for part in split]


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7])
def test_scaffold_split_of_one_scaffold_is_all_training(n):
    split = scaffold_split(["CCO"] * n)
    assert sizes(split) == [n, 0, 0]
    assert_covers(split, n)


def test_scaffold_split_few_rows():
    assert [part.tolist() for part in scaffold_split(["C", "c1ccccc1", "C1CC1"])] == [[1, 2], [], [0]]


def test_scaffold_split_names_the_bad_row():
    with pytest.raises(SmilesError, match="molecule 1: the SMILES is missing"):
        scaffold_split(["C", None])


@pytest.mark.parametrize(
    "name",
    [
        "esol",
        "freesolv",
        "lipophilicity",
        "bace",
        "bbbp",
        "tox21",
        "clintox",
        "sider",
        pytest.param("hiv", marks=pytest.mark.slow),
    ],
)
def test_scaffold_split_is_deepchems_on_moleculenet(name, benchmark_data):
    pd = pytest.importorskip("pandas")
    reference = benchmark_data / "moleculenet_scaffold" / "deterministic_scaffold_rdkit2026.json.gz"
    if not reference.exists():
        pytest.skip("needs GRAPHATTN_DATA")
    with gzip.open(reference) as file:
        expected = json.load(file)[name]
    smiles = pd.read_csv(benchmark_data / expected["file"])["smiles"]
    mols, rows, bad = [], [], []
    for row, text in enumerate(smiles):
        try:
            mols.append(parse_smiles(text))
            rows.append(row)
        except SmilesError:
            bad.append(row)
    assert bad == expected["unparsable_rows"]
    split = scaffold_split(mols)
    for part, want in zip(split, (expected["train"], expected["valid"], expected["test"]), strict=True):
        assert np.array_equal(np.array(rows)[part], np.sort(want))
