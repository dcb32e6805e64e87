import importlib.metadata
import platform

import torch

from graphattn.tasks.common.versions import library_versions
from graphattn.version import __version__


def test_what_is_installed_is_named():
    versions = library_versions()
    assert versions["graphattn"] == __version__
    assert versions["python"] == platform.python_version()
    assert versions["torch"] == str(torch.__version__)


def test_what_is_not_installed_is_left_out(monkeypatch):
    def version(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert set(library_versions()) == {"graphattn", "python", "torch"}
