"""Reports and their files."""

from bench_cases import RESULTS, report

from graphattn.bench.result import Report


def test_a_report_survives_its_file(tmp_path):
    path = tmp_path / "report.json"
    path.write_text(report().to_json(), encoding="utf-8")
    assert Report.load(path) == report()
    assert sum('"contender"' in line for line in path.read_text().splitlines()) == len(RESULTS)
