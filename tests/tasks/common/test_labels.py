import math

import pytest

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.labels import read_column


def read(cells, task=None):
    return read_column("t.csv, column 'y'", cells, task)


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (["0", "1", "1.0", ""], ("0", "1")),
        (["-1", "1", "1"], ("-1", "1")),
        (["2", "1.0"], ("1", "2")),
        (["yes", "no", "No"], ("no", "yes")),
        (["True", "False"], ("False", "True")),
        (["active", "inactive"], ("inactive", "active")),
        (["toxic", "non-toxic"], ("non-toxic", "toxic")),
        (["BBB+", "BBB-"], ("BBB-", "BBB+")),
        (["+", "-", "+"], ("-", "+")),
        (["high", "low"], ("low", "high")),
        (["agonist", "antagonist"], ("agonist", "antagonist")),  # neither says yes: the later in the alphabet
    ],
)
def test_two_classes_and_which_is_class_1(cells, classes):
    reading = read(cells)
    assert reading.classes == classes
    known = [cell for cell in cells if cell]
    assert {reading.value(cell) for cell in known} == {0.0, 1.0}
    assert reading.value(cells[0]) in (0.0, 1.0)
    assert math.isnan(reading.value(""))


def test_the_decision_is_said():
    assert read(["0", "1"]).note == ""
    assert read(["-1", "1"]).note == "two values, taken for classes; if they are quantities, say --task regression"
    assert read(["a", "b"]).note == "class 1 is 'b', class 0 is 'a'; probabilities are of 'b'"
    note = read(["0", "1", "2"] * 3).note
    assert note.startswith("3 different values (0, 1, 2), taken for numbers (--task regression); if they are classes")
    assert read(["0", "1", "2"] * 3, "regression").note == ""
    assert read(["0.5", "1.5"]).note.endswith("if they are classes, say --task classification")
    assert "commas are read as decimal points" in read(["0,5", "1,7", "3,25"]).note
    assert read([">5", "1.5", "2.5"]).note.startswith("1 of 3 values are bounds such as '>5' and are left out")


def test_the_user_decides():
    assert read(["-1", "1"], "regression").classes is None
    assert read(["0.5", "1.5"], "classification").classes == ("0.5", "1.5")
    with pytest.raises(TableError, match=r"3 different values \(0, 1, 2\), where two classes are expected"):
        read(["0", "1", "2"], "classification")


def test_three_classes():
    with pytest.raises(TableError, match=r"3 classes \('low', 'mid', 'high'\).*a column of 0 and 1 for each class"):
        read(["low", "mid", "high"])


def test_a_known_pair_leaves_the_rest_out():
    reading = read(["active", "inactive", "inconclusive", "active"])
    assert reading.classes == ("inactive", "active")
    with pytest.raises(ValueError, match="'inconclusive' is neither 'inactive' nor 'active'"):
        reading.value("inconclusive")


def test_one_class():
    with pytest.raises(TableError, match=r"all 2 values are 'yes' \(one class only\), so there is nothing to learn"):
        read(["yes", "yes"])


def test_text_of_another_sort_is_left_to_the_rows():
    assert read([f"name {n}" for n in range(12)]).classes is None


def test_a_comma_that_may_be_either():
    with pytest.raises(TableError, match=r"'4,690' may be 4690 or 4\.690; write a decimal point and no thousands"):
        read(["4,690", "522"])
