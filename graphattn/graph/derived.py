"""What is worked out from a graph once and kept with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from graphattn.graph.graph import Graph

T = TypeVar("T")


def derived(graph: Graph, name: str, make: Callable[[], T]) -> T:
    """What `make` gives for a graph on its device: made at the first call, and again where the graph has moved.

    >>> from graphattn.graph import complete
    >>> graph = complete(3)
    >>> derived(graph, "greeting", lambda: "made"), derived(graph, "greeting", lambda: "made again")
    ('made', 'made')
    """
    if torch.compiler.is_compiling():
        return make()
    kept: dict[str, tuple[torch.device, T]] = graph.__dict__.setdefault("_derived", {})
    if name not in kept or kept[name][0] != graph.device:
        with torch.inference_mode(False):  # a backward pass may need it later
            kept[name] = graph.device, make()
    return kept[name][1]
