import csv

import numpy as np
import pytest

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.rejects import write_rejects
from graphattn.tasks.common.table import parse_table
from graphattn.tasks.molecule.rows import rejected_share, select_rows

BAD = b"""id,smiles,y
a,C,1
b,C1CC,2
a,CC,3
d,CCC,high
e,CCCC,nan
f,CCO,inf
g,CCN,"1,5"

h, CCS ,2.5
i,CO,1,7
"""


def select(data: bytes, targets=("y",), **settings):
    return select_rows(parse_table(data, "t.csv"), "smiles", targets, **settings)


def test_bad_rows_are_left_out_with_line_column_and_reason(tmp_path):
    rows = select(BAD, id_column="id")
    assert rows.smiles == ["C", "CCS"]
    assert rows.targets.tolist() == [[1.0], [2.5]]
    found = [(rows.table.lines[r.row], r.column) for r in rows.rejects]
    assert found == [(3, "smiles"), (4, "id"), (5, "y"), (6, "y"), (7, "y"), (8, "y"), (11, "y")]
    reasons = [r.reason for r in rows.rejects]
    assert "not valid SMILES" in reasons[0]
    assert reasons[1] == "the id 'a' stands on line 2 already"
    assert reasons[2] == "'high' is not a number"
    assert reasons[3] == "the target value is missing"
    assert reasons[4] == "'inf' is not finite"
    assert reasons[5].startswith("'1,5' is not a number; write a decimal point")
    assert reasons[6].startswith("4 values where the header has 3")

    write_rejects(tmp_path / "rejects.csv", rows.table, rows.rejects)
    with (tmp_path / "rejects.csv").open(newline="") as file:
        written = list(csv.reader(file))
    assert written[0] == ["line", "column", "value", "reason", "id", "smiles", "y"]
    assert written[1][0] == "3"
    assert written[1][4:] == ["b", "C1CC", "2"]
    assert len(written) == 1 + len(rows.rejects)


def test_missing_values_are_masked_where_another_target_is_there():
    rows = select(b"smiles,y,z\nC,1.5,\nCC,,\nCCC,NA,0\nO,2.5,1\n", ("y", "z"))
    np.testing.assert_array_equal(rows.targets, [[1.5, np.nan], [np.nan, 0], [2.5, 1]])
    assert [r.reason for r in rows.rejects] == ["all target values are missing"]


def test_a_repeated_id_is_noted_where_no_id_column_is_given():
    rows = select(b"Compound ID,smiles,y\na,C,1\na,CC,2\n")
    assert len(rows) == 2
    assert rows.notes[-1].startswith("t.csv, line 3, column 'Compound ID': 'a' stands on line 2 already (1 row repeats")
    assert '--id-column "Compound ID"' in rows.notes[-1]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"smiles,y\nC,1\nCC,1\n", r"^t\.csv, column 'y': all 2 values are 1 \(one class only\)"),
        (b"smiles,y\nC,4\nCC,4\n", r"all 2 values are 4 \(one value only\)"),
        (b"smiles,y\nC,low\nCC,low\n", r"^t\.csv, column 'y': all 2 values are 'low' \(one class only\)"),
        (b"smiles,y\nX,1\nCC,high\n", r"none of the 2 rows can be used; the first: t\.csv, line 2, column 'smiles'"),
        (b"smiles,z\nC,1\n", r"line 1: no column 'y'"),
    ],
)
def test_a_table_that_is_useless_as_a_whole(data, message):
    with pytest.raises(TableError, match=message):
        select(data)


def test_targets_that_make_no_sense():
    data = b"smiles,y\nC,1\nCC,2\n"
    with pytest.raises(TableError, match=r"name the column to learn\. Columns of numbers: 'y'"):
        select(data, ())
    with pytest.raises(TableError, match="'y' is given more than once"):
        select(data, ("y", "y"))
    with pytest.raises(TableError, match="cannot be both"):
        select(data, ("smiles",))


def test_a_target_without_any_value():
    with pytest.raises(TableError, match="column 'z': no usable row has a value"):
        select(b"smiles,y,z\nC,1,\nCC,2,\n", ("y", "z"))


def test_split_column():
    rows = select(b"smiles,y,p\nC,1,train\nCC,2,Validation\nO,3,TEST\nN,4,x\n", split_column="p")
    assert rows.parts == ["train", "valid", "test"]
    assert rows.rejects[0].reason == "'x' is none of train, valid, test"


def test_many_rejected_rows_are_said():
    good = [f"{'C' * n},{n}.5" for n in range(1, 9)]
    few = select_rows(parse_table("\n".join(["smiles,y", *good, "C(,1"]).encode(), "t.csv"), "smiles", ["y"])
    assert rejected_share(few) == []
    many = select_rows(
        parse_table("\n".join(["smiles,y", *good, "C,", "CC,", "C(,1"]).encode(), "t.csv"), "smiles", ["y"]
    )
    assert rejected_share(many) == [
        "3 of 11 rows are left out, 2 of them because of column 'y': the target value is missing."
    ]
