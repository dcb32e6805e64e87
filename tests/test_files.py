import json
import math

import pytest

from graphattn import files
from graphattn.files import write_atomically, write_json, write_text


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old é\n")

    def fail(temporary):
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fail)
    assert path.read_bytes() == "old é\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_strict(tmp_path):
    write_json(tmp_path / "new" / "a.json", {"a": [math.nan, (1.5, math.inf)], "b": {"c": "é"}})
    assert json.loads((tmp_path / "new" / "a.json").read_text("utf-8")) == {"a": [None, [1.5, None]], "b": {"c": "é"}}


def test_a_growing_file_has_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "a.b.csv"
    with files.growing(path) as file:
        file.write("one\r\n")
        file.flush()
        assert [found.name for found in path.parent.iterdir()] == ["a.b.partial.csv"]
    assert path.read_bytes() == b"one\r\n"
    with pytest.raises(ZeroDivisionError), files.growing(path) as file:
        file.write(str(1 / 0))
    assert path.read_bytes() == b"one\r\n"
    assert files.partial_name(path).read_bytes() == b""
