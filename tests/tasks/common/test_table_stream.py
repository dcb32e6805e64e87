import gzip

import pytest

from graphattn.tasks.common import table_stream
from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.table import Ragged, read_table
from graphattn.tasks.common.table_stream import stream_of, stream_text

TEXT = 'id;name\n1;"a;\nb"\n\n2;b\n3;c;d\n4\n\n\n'


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(table_stream, "_ROWS", 2)


@pytest.mark.parametrize("packed", [False, True])
def test_the_parts_are_the_table(tmp_path, packed):
    path = tmp_path / "t.csv"
    path.write_bytes(gzip.compress(TEXT.encode()) if packed else TEXT.encode())
    whole = read_table(path)
    stream = stream_text(path)
    parts = list(stream.parts)
    assert stream.columns == whole.columns == ["id", "name"]
    assert [len(part.rows) for part in parts] == [2, 2, 1]
    assert [cells for part in parts for cells in part.rows] == whole.rows
    assert [line for part in parts for line in part.lines] == whole.lines
    assert isinstance(parts[1].rows[1], Ragged)
    assert stream.total >= len(whole.rows)


def test_a_table_in_memory_and_its_first_part(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(TEXT)
    table = read_table(path)
    first, stream = stream_of(table).peek()
    assert first is table
    assert [part.rows for part in stream.parts] == [table.rows]


def test_what_is_wrong_is_said_where_it_is_reached(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 30_000 + b"1,\xe9\n")
    parts = stream_text(path).parts
    assert next(parts).rows == [["1", "2"]] * 2
    with pytest.raises(TableError, match="line 30002, column 'b': byte 0xE9 is not valid UTF-8"):
        list(parts)
    packed = gzip.compress(bytes(range(10, 110)) * 9)
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises((TableError, EOFError)):
        list(stream_text(path).parts)
    path.write_text("a,b\n")
    with pytest.raises(TableError, match="a header but no row"):
        stream_text(path)
