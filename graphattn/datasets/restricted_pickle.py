"""Read a pickle that holds arrays and lists, and nothing that could run code."""

from __future__ import annotations

import importlib
import io
import pickle
from typing import Any

from graphattn.datasets.fetch import DatasetError

_PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg"}
_MODULES = {
    "numpy": ("numpy",),
    "numpy.core.multiarray": ("numpy._core.multiarray", "numpy.core.multiarray"),  # NumPy 2, NumPy 1
    "scipy.sparse.csr": ("scipy.sparse",),
    "builtins": ("builtins",),
    "collections": ("collections",),
    "copyreg": ("copyreg",),
    "_codecs": ("_codecs",),
}
_ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("scipy.sparse.csr", "csr_matrix"),
    ("builtins", "list"),
    ("builtins", "object"),
    ("collections", "defaultdict"),
    ("copyreg", "_reconstructor"),
    ("_codecs", "encode"),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        module = _PYTHON_2.get(module, module)
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no array needs")
        for place in _MODULES[module]:
            try:
                return getattr(importlib.import_module(place), name)
            except ImportError:
                continue
        raise pickle.UnpicklingError(f"{module}.{name} is not there")


def loads(data: bytes, name: str) -> Any:
    """Read a Python 2 pickle of NumPy arrays, SciPy's CSR matrices, lists and dictionaries.

    Args:
        data: the bytes of the file.
        name: of the file, for messages.

    Raises:
        DatasetError: the bytes are no whole pickle, or ask for anything else than those.
    """
    try:
        return _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except Exception as error:  # whatever a damaged pickle makes of itself
        raise DatasetError(f"{name} cannot be read: {error or type(error).__name__}") from error
