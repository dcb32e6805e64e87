import pytest

from graphattn.tasks.common.rejects import Reject, RejectedError, check_fields, write_rejects
from graphattn.tasks.common.table import parse_table

TABLE = parse_table(b'name,y\na,1\n"b, c",2\nd,e,3\n', "t.csv")


def test_a_row_longer_than_the_header_is_refused():
    check_fields(TABLE, 0)
    check_fields(TABLE, 1)
    with pytest.raises(RejectedError) as caught:
        check_fields(TABLE, 2)
    column, value, reason = caught.value.args
    assert (column, value) == ("y", "e,3")
    assert reason.startswith("3 values where the header has 2")


def test_the_file_has_line_column_value_reason_and_the_cells(tmp_path):
    write_rejects(tmp_path / "r.csv", TABLE, [Reject(1, "y", "2", "too small")])
    assert (tmp_path / "r.csv").read_text() == 'line,column,value,reason,name,y\n3,y,2,too small,"b, c",2\n'
