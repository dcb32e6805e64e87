"""Old names that still work for one release, with a warning."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable
from typing import Any

REMOVED_IN = "0.2"
"""The version in which the old names go."""


def warn_renamed(old: str, new: str, stacklevel: int = 3) -> None:
    """Warn that `old` is now called `new`; with the default `stacklevel`, at the line that calls the caller.

    Args:
        old: the old name, as users write it.
        new: the new name, as users write it.
        stacklevel: as in `warnings.warn`.
    """
    message = f"{old} is deprecated and will be removed in graphattn {REMOVED_IN}; use {new}"
    warnings.warn(message, DeprecationWarning, stacklevel)


def renamed(module: str, names: dict[str, str]) -> Callable[[str], Any]:
    """A `__getattr__` for a module that gives names which moved, with a DeprecationWarning at the line that uses them.

    Args:
        module: the module that had the names, its `__name__`.
        names: for each old name its new place, `"module:attribute"`.

    Example:
        >>> find = renamed("graphattn.graph", {"Neighbourhood": "graphattn.graph:Neighborhood"})
        >>> import warnings
        >>> with warnings.catch_warnings(record=True):
        ...     find("Neighbourhood").__name__
        'Neighborhood'
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, attribute = names[name].split(":")
        stacklevel = 3
        while sys._getframe(stacklevel - 2).f_globals.get("__name__") == module:  # its own `__getattr__`, if it has one
            stacklevel += 1
        warn_renamed(f"{module}.{name}", f"{place}.{attribute}", stacklevel)
        return getattr(importlib.import_module(place), attribute)

    return find
