"""The modules that `torch.export` shows to a program through proxies."""

from __future__ import annotations

from typing import Any

import torch


def behind(module: Any) -> Any:
    """The module itself, where `torch.export` gives a proxy in its place, whose class is none that anybody knows."""
    if not torch.compiler.is_compiling():
        return module
    get_base = getattr(type(module), "get_base", None)
    return module if get_base is None else get_base(module)
