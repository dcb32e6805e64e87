"""What is worked out from a graph once and kept with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from graphattn.graph.graph import Graph

T = TypeVar("T")


def derived(graph: Graph, name: str, make: Callable[[], T]) -> T:
    """What `make` gives for a graph: made at the first call and kept, but not by copies, elsewhere or pickled.

    >>> from graphattn.graph import complete
    >>> graph = complete(3)
    >>> derived(graph, "greeting", lambda: "made"), derived(graph, "greeting", lambda: "made again")
    ('made', 'made')
    """
    if torch.compiler.is_compiling():
        return make()
    if name not in graph._derived:
        with torch.inference_mode(False):  # a backward pass may need it later
            graph._derived[name] = make()
    made: T = graph._derived[name]
    return made
