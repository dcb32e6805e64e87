import pytest

from graphattn.cli.program import program


@pytest.mark.parametrize(
    ("called", "on_path", "shown"),
    [
        (".venv/bin/graphattn", None, ".venv/bin/graphattn"),
        (".venv/bin/graphattn", "/usr/bin/graphattn", "graphattn"),
        ("-m", None, "graphattn"),
    ],
)
def test_what_to_type_works_as_typed(monkeypatch, called, on_path, shown):
    monkeypatch.setattr("sys.argv", [called])
    monkeypatch.setattr("shutil.which", lambda name: on_path)
    assert program() == shown
