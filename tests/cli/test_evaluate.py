import json

import pytest

from graphattn.cli.errors import USER_ERROR

TABLE = """name,logS,logS_predicted,logS_low,logS_high
a,1.0,1.5,0,2
b,2.0,2.5,1,3
c,3.0,2.0,2.5,4
d,,1.0,0,2
e,0.5,,,
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(TABLE)
    return path


def test_the_table_says_all(path, invoke):
    result = invoke("evaluate", path, "--target", "logS")
    assert result.exit_code == 0, result.stderr
    for text in ("logS: 3 values", "RMSE", "0.707", "R²", "90% intervals hold 100% of 3 test values"):
        assert text in result.stdout
    assert "1 row without a measured value left out" in result.stderr
    assert "1 row without a prediction left out" in result.stderr


def test_json(path, invoke):
    result = invoke("evaluate", path, "--target", "logS", "--prediction", "logS_high", "--json")
    found = json.loads(result.stdout)["logS"]
    assert found["prediction"] == "logS_high"
    assert found["metrics"]["mae"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "logs"], "did you mean 'logS'?"),
        (["--target", "name"], "name the column of predictions with --prediction"),
        (["--target", "logS", "--prediction", "a", "--prediction", "b"], "give one for each target"),
        (["--target", "logS", "--task", "ranking"], "task must be one of"),
    ],
)
def test_what_cannot_be_done_ends_with_2_and_a_sentence(path, invoke, arguments, message):
    result = invoke("evaluate", path, *arguments)
    assert result.exit_code == USER_ERROR
    assert message in result.stderr
    assert "Traceback" not in result.stderr
