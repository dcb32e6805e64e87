import pytest

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.text_encoding import decode


def test_utf8_with_and_without_mark():
    assert decode("é,1".encode(), "t.csv") == "é,1"
    assert decode("é,1".encode("utf-8-sig"), "t.csv") == "é,1"


def test_other_encoding_names_line_column_byte_and_remedy():
    data = b"smiles,name\nC,methane\nCO,m\xe9thanol\n"
    with pytest.raises(
        TableError, match=r"^t\.csv, line 3, column 'name': byte 0xE9 .* give --encoding cp1252"
    ) as error:
        decode(data, "t.csv")
    assert "méthanol" in str(error.value)
    assert decode(data, "t.csv", "cp1252").endswith("méthanol\n")


def test_other_encoding_in_the_header_names_no_column():
    with pytest.raises(TableError, match=r"^t\.csv, line 1: byte 0xB5"):
        decode(b"smiles,\xb5M\nC,1\n", "t.csv")


def test_bytes_that_cp1252_lacks():
    with pytest.raises(TableError, match="--encoding latin-1"):
        decode(b"a\n\x81\n", "t.csv")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_wide_encodings_are_named(encoding):
    with pytest.raises(TableError, match=f"line 1: the file is {encoding.upper()}, .*--encoding {encoding}"):
        decode("smiles\nC\n".encode(encoding), "t.csv")


def test_utf16_without_a_mark_is_guessed():
    with pytest.raises(TableError, match=r"line 1: byte 2 is zero.*--encoding utf-16-le"):
        decode("smiles\nC\n".encode("utf-16-le"), "t.csv")
    with pytest.raises(TableError, match=r"line 1: byte 1 is zero.*--encoding utf-16-be"):
        decode("smiles\nC\n".encode("utf-16-be"), "t.csv")


def test_a_workbook_is_named():
    with pytest.raises(TableError, match=r"is not text: it is .* Excel workbook"):
        decode(b"PK\x03\x04rest", "t.xlsx")


def test_wrong_and_unknown_encodings():
    with pytest.raises(TableError, match="Unknown encoding 'klingon'"):
        decode(b"a", "t.csv", "klingon")
    with pytest.raises(TableError, match="line 2, column 'a': byte 0xE9 is not valid ASCII"):
        decode(b"a\n\xe9\n", "t.csv", "ascii")
