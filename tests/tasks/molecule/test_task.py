import pytest

from graphattn.tasks.common.errors import SettingsError, TableError
from graphattn.tasks.common.table import parse_table
from graphattn.tasks.molecule.rows import select_rows
from graphattn.tasks.molecule.task import check_task, detect_task, metric_names


def rows_of(data: bytes, task=None):
    table = parse_table(data, "t.csv")
    return select_rows(table, "smiles", table.columns[1:], task=task)


CLASSES = b"smiles,y,z\nC,1,0\nCC,0,\nO,,1.0\n"
VALUES = b"smiles,y,z\nC,1,0\nCC,0,\nO,0.5,0.1\n"
MIXED = b"smiles,y,z\nC,1,0\nCC,0,\nO,0.5,1\n"


def test_the_values_tell():
    assert detect_task(rows_of(CLASSES)) == "classification"
    assert detect_task(rows_of(VALUES, "regression")) == "regression"


def test_numbers_and_classes_are_not_learned_together():
    with pytest.raises(
        TableError, match=r"'y' holds numbers and column 'z' classes \(0, 1\).*or say --task regression"
    ):
        detect_task(rows_of(MIXED))
    assert detect_task(rows_of(MIXED, "regression")) == "regression"
    text = MIXED.replace(b",1\n", b",yes\n").replace(b",0\n", b",no\n")
    with pytest.raises(TableError, match=r"column 'z' classes \(no, yes\).*: train one for each\.$"):
        detect_task(rows_of(text))


def test_the_user_overrides():
    assert detect_task(rows_of(CLASSES, "regression")) == "regression"
    with pytest.raises(TableError, match=r"t\.csv, column 'y': 3 different values \(0, 0\.5, 1\), where two classes"):
        rows_of(VALUES, "classification")
    with pytest.raises(SettingsError, match="task must be one of regression, classification, got 'ranking'"):
        check_task("ranking")


def test_errors_of_several_regressions_have_no_mean():
    assert metric_names("regression", 2) == ("r2",)
    assert metric_names("classification", 2) == metric_names("classification")
