import json
import math

import pytest

from graphattn.tasks.molecule.files import write_atomically, write_json, write_text


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
