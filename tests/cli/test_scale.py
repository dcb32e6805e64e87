"""`graphattn scale plan` prints a row for each exchange."""

from typer.testing import CliRunner

from graphattn.cli.main import app


def test_a_plan():
    words = ["scale", "plan", "--nodes", "1e9", "--edges", "1e11", "--partitions", "256", "--cut", "0.1"]
    done = CliRunner().invoke(app, words, env={"COLUMNS": "120"})
    assert done.exit_code == 0
    assert "halo" in done.output and "stream" in done.output and "1,000,000,000 nodes" in done.output


def test_sizes_that_cannot_be():
    words = ["scale", "plan", "--nodes", "0", "--edges", "1", "--partitions", "2"]
    assert CliRunner().invoke(app, words).exit_code == 2
