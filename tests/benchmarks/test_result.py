"""Reports and their files."""

from bench_cases import RESULTS, report

from graphattn.bench.result import Report


def test_a_report_survives_its_file(tmp_path):
    path, written = tmp_path / "report.json", report()  # which has the time at which it was made
    path.write_text(written.to_json(), encoding="utf-8")
    assert Report.load(path) == written
    assert sum('"contender"' in line for line in path.read_text().splitlines()) == len(RESULTS)
