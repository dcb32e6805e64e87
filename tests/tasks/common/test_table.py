import gzip
import io
import sys

import pandas as pd
import pytest

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.table import Ragged, parse_table, read_table


def test_cells_stay_text_and_rows_know_their_lines():
    table = parse_table(b'id,"a\nname",x\n007,"one\ntwo",1.50\n\n8, b ,NA\n\n', "t.csv")
    assert table.columns == ["id", "a\nname", "x"]
    assert table.rows == [["007", "one\ntwo", "1.50"], [], ["8", " b ", "NA"]]
    assert table.lines == [3, 5, 6]
    assert table.cell(2, 1) == "b"
    assert table.cell(1, 0) == ""
    assert table.where(2, "x") == "t.csv, line 6, column 'x'"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_the_headers(separator):
    table = parse_table(f'smiles{separator}"y, mol/L"\r\nC{separator}1\r\n'.encode(), "t.csv")
    assert table.columns == ["smiles", "y, mol/L"]
    assert table.rows == [["C", "1"]]


def test_short_rows_are_filled_and_long_rows_are_kept_whole():
    table = parse_table(b"a,b\n1\n1,2,3\n", "t.csv")
    assert table.rows == [["1", ""], ["1", "2,3"]]
    assert isinstance(table.rows[1], Ragged)
    assert "3 values where the header has 2" in table.rows[1].reason


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_empty(data):
    with pytest.raises(TableError, match=r"^t\.csv, line 1: the file is empty"):
        parse_table(data, "t.csv")


def test_header_only():
    with pytest.raises(TableError, match=r"^t\.csv, line 2: there is a header but no row"):
        parse_table(b"\nsmiles,y\n\n", "t.csv")


def test_a_quote_that_swallows_the_rest_is_an_error():
    with pytest.raises(TableError, match=r"line 3: a quote opened here is never closed"):
        parse_table(b'a,b\n1,2\n"3,4\n5,6\n', "t.csv")


def test_missing_column_lists_those_there_and_suggests_the_closest():
    table = parse_table(b"Smiles,logS\nC,1\n", "t.csv")
    with pytest.raises(TableError, match=r"line 1: no column 'smiles' \(did you mean 'Smiles'\?\).* 'Smiles', 'logS'"):
        table.column("smiles")
    with pytest.raises(TableError, match=r"no column 'weight'; the columns"):
        table.column("weight")


def test_a_column_twice_is_an_error_only_when_it_is_used():
    table = parse_table(b"smiles,y,y\nC,1,2\n", "t.csv")
    assert table.column("smiles") == 0
    with pytest.raises(TableError, match=r"column 'y' appears 2 times \(fields 2 and 3\)"):
        table.column("y")


def test_bare_list():
    def bare_list(first_line):
        return "smiles" if first_line == "CCO" else None

    assert parse_table(b"CCO\nC\n", "t", bare_list=bare_list).rows == [["CCO"], ["C"]]
    assert parse_table(b"CCO\n", "t", bare_list=bare_list).lines == [1]
    assert parse_table(b"smiles\nC\n", "t", bare_list=bare_list).rows == [["C"]]


def test_files(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    with pytest.raises(TableError, match=r"There is no file .*t\.csv"):
        read_table(path)
    with pytest.raises(TableError, match="is a directory"):
        read_table(tmp_path)
    path.write_bytes(b"a\n1\n")
    assert read_table(str(path)).rows == [["1"]]
    path.write_bytes(gzip.compress(b"a\n2\n"))
    assert read_table(path).rows == [["2"]]
    path.write_bytes(gzip.compress(b"a\n2\n")[:-5])
    with pytest.raises(TableError, match="cannot be read"):
        read_table(path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\n3\n")))
    assert read_table("-").where(0) == "standard input, line 2"


def test_data_frames():
    frame = pd.DataFrame({"s": ["C", None], "y": [0.1, float("nan")], "n": [1, 2]}, index=[7, 9])
    table = read_table(frame)
    assert table.rows == [["C", "0.1", "1"], ["", "", "2"]]
    assert table.where(1) == "the data frame, row 1"
    with pytest.raises(TableError, match="no rows"):
        read_table(frame.iloc[:0])
    with pytest.raises(TypeError, match="got int"):
        read_table(3)
