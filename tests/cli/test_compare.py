import json

import pytest

from graphattn.cli.errors import USER_ERROR

QUICK = ["--epochs", "1", "--ensemble", "2", "--members", "network,ridge", "--device", "cpu", "--split", "random"]


def test_a_table_and_json(trained, invoke, tmp_path):
    out = tmp_path / "c.json"
    result = invoke("compare", trained.data, "--target", "log S", "--splits", "3", "--out", out, *QUICK)
    assert result.exit_code == 0, result.stderr
    for text in ("3 splits", "the whole stack", "ridge", "random forest", "95 % interval"):
        assert text in result.stdout
    assert {each["kind"] for each in json.loads(out.read_text())["contestants"]} == {"stack", "member", "rival"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--splits", "2"], "3 or more"),
        (["--members", "svr"], "network among them"),
        (["--target", "nothing"], "no column 'nothing'"),
    ],
)
def test_what_cannot_be_done(trained, invoke, arguments, message):
    result = invoke("compare", trained.data, *QUICK, "--target", "log S", *arguments)
    assert result.exit_code == USER_ERROR
    assert message in result.stderr
