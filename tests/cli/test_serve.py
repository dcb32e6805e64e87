import sys

from graphattn.cli.errors import USER_ERROR


def test_without_fastapi_it_says_how_to_get_it(trained, invoke, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = invoke("serve", trained.run)
    assert result.exit_code == USER_ERROR and 'pip install "graphattn[serve]"' in result.stderr


def test_a_directory_without_a_model(invoke, tmp_path):
    result = invoke("serve", tmp_path)
    assert result.exit_code == USER_ERROR and str(tmp_path) in result.stderr
