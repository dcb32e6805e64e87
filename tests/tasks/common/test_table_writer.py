import numpy as np
import pandas as pd
import pytest

from graphattn.tasks.common.errors import SettingsError
from graphattn.tasks.common.table_writer import check_out, table_writer

NAMES = ["name", "value"]
FIRST = [["=1+1", "a,b"], np.array([1.5, np.nan])]
SECOND = [["ü\x07"], np.array([-2.0])]


def written(path):
    with table_writer(path, NAMES) as write:
        write(FIRST)
        write(SECOND)
        assert not path.exists()
    return path


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".tsv", "\t"), ("", ",")])
def test_text(tmp_path, suffix, separator):
    frame = pd.read_csv(written(tmp_path / f"t{suffix}"), sep=separator)
    assert frame["name"].tolist() == ["=1+1", "a,b", "ü\x07"]
    assert frame["value"].tolist() == pytest.approx([1.5, np.nan, -2.0], nan_ok=True)


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.read_parquet(written(tmp_path / "t.parquet"))
    assert frame["name"].tolist() == ["=1+1", "a,b", "ü\x07"]
    assert frame["value"].tolist() == pytest.approx([1.5, np.nan, -2.0], nan_ok=True)


def test_excel_gets_no_formulas_and_no_control_characters(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    sheet = openpyxl.load_workbook(written(tmp_path / "t.xlsx")).active
    assert [[cell.value for cell in row] for row in sheet] == [NAMES, ["=1+1", 1.5], ["a,b", None], ["ü", -2]]
    assert sheet["A2"].data_type == "s"


def test_what_is_interrupted_keeps_the_earlier_file(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("before")
    with pytest.raises(KeyboardInterrupt), table_writer(path, NAMES) as write:
        write(FIRST)
        raise KeyboardInterrupt
    assert path.read_text() == "before"
    assert len((tmp_path / "t.partial.csv").read_text().splitlines()) == 3


def test_names_are_refused_before_the_work(tmp_path):
    with pytest.raises(SettingsError, match="is a directory"):
        check_out(tmp_path)
    with pytest.raises(SettingsError, match=r"should end in \.csv"):
        check_out(tmp_path / "x.docx")
    check_out(tmp_path / "x.CSV")
