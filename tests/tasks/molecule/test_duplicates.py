import numpy as np
import pytest

from graphattn.chem import Split
from graphattn.tasks.common.errors import SettingsError, TableError
from graphattn.tasks.common.table import parse_table
from graphattn.tasks.molecule.duplicates import check_policy, conflicts, describe, merge_copies, same_molecule
from graphattn.tasks.molecule.rows import select_rows


def rows_of(*pairs, task=None):
    text = "\n".join(["smiles,y", *(f"{smiles},{value}" for smiles, value in pairs)])
    return select_rows(parse_table(text.encode(), "t.csv"), "smiles", ["y"], task=task)


CROSSING = "1 of 1 test molecules also train or validate, which flatters the test"
ROWS = rows_of(("CCO", 1.5), ("C", 0.1), ("OCC", 2.5), ("C", 0.1), ("CC", 3.5))
LISTED = "1 of them with different values (CCO on lines 2, 4: 1.5, 2.5)"


def test_copies_are_found_however_they_are_written():
    assert same_molecule(ROWS).tolist() == [0, 1, 0, 1, 4]


def test_what_is_said():
    first = same_molecule(ROWS)
    apart = Split(np.array([0, 1, 3]), np.array([4]), np.array([2]))
    start = (
        f"2 molecules stand in the table more than once, {LISTED}; all rows are kept (--duplicates mean, first or drop "
        "makes one of each); "
    )
    assert describe(ROWS, apart, first) == start + CROSSING
    together = Split(np.array([0, 2]), np.array([4]), np.array([1, 3]))
    assert describe(ROWS, together, first) == start + "copies are in one part of the split"
    single = rows_of(("C", 1.5), ("CC", 0.1))
    assert describe(single, Split(np.array([0]), np.array([1]), np.array([], dtype=int)), same_molecule(single)) == ""


@pytest.mark.parametrize(
    ("policy", "smiles", "values", "reasons"),
    [
        (
            "mean",
            ["CCO", "C", "CC"],
            [2.0, 0.1, 3.5],
            ["the same molecule as on line 2; its value went into the mean there"] * 1
            + ["the same molecule as on line 3; its value went into the mean there"],
        ),
        (
            "first",
            ["CCO", "C", "CC"],
            [1.5, 0.1, 3.5],
            [f"the same molecule as on line {line}; only the first is kept" for line in (2, 3)],
        ),
        (
            "drop",
            ["C", "CC"],
            [0.1, 3.5],
            ["its copies have different values, see line 2"] * 2
            + ["the same molecule as on line 3; only the first is kept"],
        ),
    ],
)
def test_one_row_of_each(policy, smiles, values, reasons):
    merged = merge_copies(ROWS, policy)
    assert merged.smiles == smiles
    assert merged.targets[:, 0].tolist() == values
    assert [reject.reason for reject in merged.rejects] == reasons
    assert [row.canonical_smiles for row in merged.identities] == smiles
    assert len(merged.molecules) == len(merged.rows) == len(smiles)
    left = len(ROWS) - len(smiles)
    assert merged.notes[-1] == (
        f"2 molecules stand in the table more than once, {LISTED}; --duplicates {policy} left {left} rows out."
    )
    assert same_molecule(merged).tolist() == list(range(len(smiles)))
    assert ROWS.targets[0, 0] == 1.5  # what is given is not changed


def test_kept_as_they_are():
    assert merge_copies(ROWS, "keep") is ROWS
    single = rows_of(("C", 1.5), ("CC", 0.1))
    assert all(merge_copies(single, policy) is single for policy in ("mean", "first", "drop", "error"))


def test_refused():
    with pytest.raises(TableError) as raised:
        merge_copies(ROWS, "error")
    assert str(raised.value) == (
        "t.csv: 2 molecules stand in the table more than once: CCO on lines 2, 4: 1.5, 2.5; C on lines 3, 5: 0.1, 0.1. "
        "--duplicates mean, first or drop makes one row of each."
    )
    with pytest.raises(TableError, match="--duplicates drop leaves no row"):
        merge_copies(rows_of(("CCO", 1.5), ("OCC", 2.5)), "drop")
    with pytest.raises(SettingsError, match="one of keep, mean, first, drop, error, got 'median'"):
        check_policy("median")


def test_classes_have_no_mean():
    rows = rows_of(("CCO", 1), ("C", 0), ("OCC", 0), ("C", 0), ("CC", 1))
    merged = merge_copies(rows, "mean")
    assert merged.smiles == ["C", "CC"]
    assert merged.targets[:, 0].tolist() == [0.0, 1.0]
    assert merged.rejects[0].reason == "its copies are of different classes"


def test_the_longest_lists_end():
    pairs = [("C" * n, n + copy / 2) for n in range(1, 7) for copy in range(2)]
    rows = rows_of(*pairs)
    found = conflicts(rows)
    assert found[0] == {"smiles": "C", "lines": [2, 3], "values": [[1.0], [1.5]]}
    assert len(found) == 6
    split = Split(np.arange(8), np.arange(8, 10), np.arange(10, 12))
    assert "; and 3 more)" in describe(rows, split, same_molecule(rows))
    assert conflicts(rows_of(("C", 1.5), ("C", 1.5), ("CC", 3.5))) == []
