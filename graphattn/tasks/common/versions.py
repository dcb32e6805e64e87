"""Versions of the libraries that compute a prediction, kept with each model."""

from __future__ import annotations

import importlib.metadata
import platform


def library_versions() -> dict[str, str]:
    """Return the versions of what computes a prediction."""
    import torch

    from graphattn.version import __version__

    names = ("torch-geometric", "lightning", "rdkit", "numpy", "scikit-learn")
    found = {"graphattn": __version__, "python": platform.python_version()}
    found["torch"] = str(torch.__version__)  # unlike its metadata this tells the build, such as +cpu
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # installed under another name, by conda for instance
            continue
    return found
