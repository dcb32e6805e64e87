from types import SimpleNamespace

import numpy as np
import pytest

from graphattn.chem import Split
from graphattn.tasks.common.errors import SettingsError, TableError
from graphattn.tasks.common.table import parse_table
from graphattn.tasks.molecule.rows import select_rows
from graphattn.tasks.molecule.split import check_training, constant_parts, one_class, split_rows

CHAINS = ["C" * n for n in range(1, 13)]
RINGS = ["C1CC1", "C1CCC1", "C1CCCC1", "c1ccccc1", "c1ccncc1", "C1CCOC1", "c1ccoc1", "c1ccsc1"]


def rows_of(smiles, values=None, parts=None):
    values = range(len(smiles)) if values is None else values
    parts = [""] * len(smiles) if parts is None else parts
    lines = [f"{s},{v},{p}" for s, v, p in zip(smiles, values, parts, strict=True)]
    table = parse_table("\n".join(["smiles,y,part", *lines]).encode(), "t.csv")
    return select_rows(table, "smiles", ["y"], split_column="part" if any(parts) else None)


def test_scaffold_by_default():
    split, method = split_rows(rows_of(CHAINS + RINGS))
    assert method == "scaffold"
    assert set(range(12)) <= set(split.train)


def test_random_where_scaffolds_do_not_suffice_and_nobody_asked_for_them():
    split, method = split_rows(rows_of(CHAINS), seed=3)
    assert method == "random"
    assert sorted(np.concatenate(split)) == list(range(12))
    with pytest.raises(TableError, match=r"leaves no molecule to the (valid|test) part; try --split random"):
        split_rows(rows_of(CHAINS), "scaffold")


def test_given():
    parts = ["train"] * 8 + ["valid", "test"] * 2
    split, method = split_rows(rows_of(CHAINS, parts=parts))
    assert method == "given"
    assert split.valid.tolist() == [8, 10]
    assert split.test.tolist() == [9, 11]


def test_too_few():
    with pytest.raises(TableError, match=r"^t\.csv: 1 usable row \(columns 'smiles' and 'y'\); .* at least 10"):
        split_rows(rows_of(["C"]))


def test_bad_settings():
    with pytest.raises(SettingsError, match="split must be one of scaffold, random, stratified, got 'best'"):
        split_rows(rows_of(CHAINS), "best")


def test_copies_of_a_molecule_are_in_one_part():
    smiles = [*CHAINS, *RINGS, "OCC", "C1=CC=CC=C1", "CCO", "c1ccccc1"]  # ethanol twice, benzene three times
    for method in ("random", "stratified"):
        for seed in range(5):
            split, _ = split_rows(rows_of(smiles), method, seed=seed)
            assert sorted(np.concatenate(split)) == list(range(len(smiles)))
            for copies in ({20, 22}, {15, 21, 23}):
                assert any(copies <= set(part) for part in split)


def test_where_scaffolds_leave_one_class_the_classes_decide():
    smiles = [f"{'C' * n}C1CC1" for n in range(20)] + [f"C{ring}" for ring in RINGS[1:]] * 3
    values = [0] * 20 + [1] * 21  # a whole scaffold is of one class
    rows = rows_of(smiles[:27] + [f"C{s}" for s in smiles[27:]], values)
    assert one_class(rows, split_rows(rows, "scaffold")[0])  # asked for, so it is done, and said
    split, method = split_rows(rows)
    assert method == "stratified"
    assert not one_class(rows, split)


def test_what_a_part_lacks():
    rows = rows_of(CHAINS, values=["yes"] * 10 + ["no"] * 2)
    parts = Split(np.arange(11), np.array([11]), np.array([], dtype=np.int64))
    assert one_class(rows, parts) == ["the validation part has no 'yes' in 'y'", "the test part has no value of 'y'"]


def test_training_part_with_one_value():
    with pytest.raises(TableError, match=r"the training part has the value 0\.5 only"):
        check_training(rows_of(CHAINS, values=[0.5] * 10 + [0.1, 0.2]), np.arange(10))


def test_training_part_with_one_class():
    rows = rows_of(CHAINS, values=[0] * 10 + [1] * 2)
    check_training(rows, np.arange(11))
    with pytest.raises(TableError, match="column 'y': the training part has the class 0 only; try --split stratified"):
        check_training(rows, np.arange(10))


def test_a_part_with_one_value_is_said():
    rows = SimpleNamespace(
        target_columns=["y", "c"],
        classes=[None, ("0", "1")],
        targets=np.array([[1.0, 0], [2, 1], [3, 1], [3, 1], [4, 1]]),
    )
    split = Split(np.array([0, 1]), np.array([4]), np.array([2, 3]))
    assert constant_parts(rows, split) == [
        "the only value of 'y' in the validation part is 4: R² is not defined there.",
        "all 2 values of 'y' in the test part are 3: R² is not defined there.",
    ]
