import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current directory, so that messages hold names without a path."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(folder):
    """Write files by name."""

    def to(**files):
        for name, content in files.items():
            path = folder / name.replace("_", ".", 1)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return to
