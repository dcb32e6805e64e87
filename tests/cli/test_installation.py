import io

from rich.console import Console

from graphattn.cli import installation
from graphattn.version import __version__


def test_versions_devices_and_what_is_not_installed(monkeypatch):
    monkeypatch.setattr(installation, "find_spec", lambda name: None)
    console = Console(file=io.StringIO(), width=200)
    installation.installation_summary(console)
    lines = dict(line.split(None, 1) for line in console.file.getvalue().splitlines())
    assert lines["graphattn"] == __version__
    assert lines["triton"] == "not installed"
    assert lines["devices"]
