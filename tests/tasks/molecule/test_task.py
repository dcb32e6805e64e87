import pytest

from graphattn.tasks.molecule.errors import SettingsError, TableError
from graphattn.tasks.molecule.rows import select_rows
from graphattn.tasks.molecule.table import parse_table
from graphattn.tasks.molecule.task import detect_task


def rows_of(data: bytes):
    table = parse_table(data, "t.csv")
    return select_rows(table, "smiles", table.columns[1:])


CLASSES = b"smiles,y,z\nC,1,0\nCC,0,\nO,,1.0\n"
VALUES = b"smiles,y,z\nC,1,0\nCC,0,\nO,0.5,1\n"


def test_the_values_tell():
    assert detect_task(rows_of(CLASSES)) == "classification"
    assert detect_task(rows_of(VALUES)) == "regression"


def test_the_user_overrides():
    assert detect_task(rows_of(CLASSES), "regression") == "regression"
    with pytest.raises(TableError, match=r"t\.csv, line 4, column 'y': a class is 0 or 1, got 0\.5"):
        detect_task(rows_of(VALUES), "classification")
    with pytest.raises(SettingsError, match="task must be one of regression, classification, got 'ranking'"):
        detect_task(rows_of(VALUES), "ranking")
