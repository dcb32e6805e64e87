import pytest

from graphattn.tasks.common.table import parse_table
from graphattn.tasks.molecule import TableError
from graphattn.tasks.molecule.columns import guess_smiles_column, numeric_columns


@pytest.mark.parametrize(
    ("header", "found"),
    [(b"a,SMILES", "SMILES"), (b"smiles,isomeric_smiles", "smiles"), (b"x,can_smiles", "can_smiles")],
)
def test_guess_smiles_column(header, found):
    assert guess_smiles_column(parse_table(header + b"\nC,C\n", "t.csv")) == found


@pytest.mark.parametrize(
    ("header", "message"),
    [(b"a,b", "several columns may hold SMILES"), (b"smiles_a,smiles_b", "several columns may hold SMILES")],
)
def test_guess_smiles_column_in_doubt(header, message):
    with pytest.raises(TableError, match=message):
        guess_smiles_column(parse_table(header + b"\nC,C\n", "t.csv"))


def test_numeric_columns():
    table = parse_table(b"smiles,a,b,c,d\nC,1,,x,1_0\nC,NA,,2,3\n", "t.csv")
    assert numeric_columns(table) == ["a"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Drug_ID,Drug,Y\n7,CCO,1.5\n8,c1ccccc1,2\n", "Drug"),
        ("id,what,y\n1,CCO,1\n2,c1ccccc1O,2\n", "what"),
        ('id,InChI,y\n1,"InChI=1S/CH4/h1H4",1\n', "InChI"),
        ("name,structure,y\nC,CCO,1\nN,c1ccccc1,2\n", "structure"),  # names that could be SMILES
        ("id,mixed,good,y\n1,banana,CCO,3\n2,CCO,CCO,4\n", "good"),
    ],
)
def test_values_tell_where_names_do_not(text, found):
    assert guess_smiles_column(parse_table(text.encode(), "t.csv")) == found


@pytest.mark.parametrize("text", ["CCO,1.5\nc1ccccc1,2\n", "1.5;CCN\n2;CCO\n"])
def test_a_missing_header_is_said(text):
    with pytest.raises(
        TableError, match=r"line 1: this seems to be a row .* the header is missing; write a first line"
    ):
        guess_smiles_column(parse_table(text.encode(), "t.csv"))


def test_a_table_without_molecules():
    with pytest.raises(TableError, match="no column 'smiles'"):
        guess_smiles_column(parse_table(b"a,b\nfoo,1\nbar,2\n", "t.csv"))
