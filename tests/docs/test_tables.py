"""The numbers in README and docs are those of the files under docs/benchmarks."""

import importlib.util
from pathlib import Path

import pytest

from graphattn.bench.measure import Timing
from graphattn.bench.peak import Memory
from graphattn.bench.structure_rows import ROWS
from graphattn.bench.structures import StructureReport, StructureResult

PATH = Path(__file__).parents[2] / "docs" / "tables.py"
MEMORY = Memory(extra=3 * 2**20, results=2 * 2**20, inputs=2**20)
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


def test_tables_of_structures(tmp_path, monkeypatch):
    results = [
        StructureResult(row, contender, Timing(2.0, 1.9, 2.1, 10), Timing(5.0, 4.9, 5.1, 10), MEMORY, disturbed=0.02)
        for row in ROWS
        for contender in ROWS[row].contenders
    ]
    report = StructureReport({"command": "c", "processor": "p", "threads": 2, "date": "2026-12-21T00:00:00",
                              "method": "steady", "versions": {"torch": "t", "numba": "n"}}, results)  # fmt: skip
    (tmp_path / "structures.json").write_text(report.to_json(), encoding="utf-8")
    monkeypatch.setattr(tables, "FIGURES", tmp_path)
    text = tables.structures()
    assert "| **grid(64 × 64, 7)** | graphattn | 2,000 ms ±5% | 5,000 ms ±2% | 1.00 MiB | 4.00 MiB |" in text
    assert "| grid(64 × 64, 7) | the best of the others | ≥ 5.00 × | 1.00 × | 1.00 × | ✗ |" in text
    union = "| union of window, hubs, random | the sum of its parts | ≥ 0.87 × | 3.00 × | 3.00 × | ✓ |"
    assert union in text
    assert text.endswith("other processes took 2.0% of the processors' time; 2026-12-21.\n")
    assert tables.picture().count("2,000 ms") == 3
