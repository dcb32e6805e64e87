"""The numbers in README and docs are those of the files under docs/benchmarks."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "docs" / "tables.py"
spec = importlib.util.spec_from_file_location("tables", PATH)
tables = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tables)


@pytest.mark.parametrize("page", tables.PAGES, ids=lambda page: page.name)
def test_every_table_is_up_to_date(page):
    text = page.read_text()
    assert tables.MARK.search(text), "the page has no table"
    assert tables.written(text) == text, "run python docs/tables.py"


def test_every_table_of_a_page_is_known():
    for page in tables.PAGES:
        names = {match[2] for match in tables.MARK.finditer(page.read_text())}
        assert names <= set(tables.TABLES)
