"""A module on a graph that follows from the one it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from graphattn.graph import Graph
from graphattn.nn.positions.place import sizes_of


class OnGraph(nn.Module):
    """Run a layer or an encoder on `connect(graph)` in place of `graph`.

    With it an encoder that is called with `ga.complete(sizes)`, which only says which nodes belong together, looks
    through windows, at hubs or along the rows of an image. The graph made last is kept and used again for graphs of
    the same sizes. If its edges are random, seed them by the sizes, or answers change with what was asked between.

    Args:
        module: called as `module(x, graph, ...)`.
        connect: from a graph to the one to use, by its sizes.

    Example:
        >>> import torch, graphattn as ga
        >>> layer = ga.nn.OnGraph(ga.nn.MultiheadAttention(16, 4), lambda graph: ga.window(graph.sizes, radius=2))
        >>> layer(torch.randn(9, 16), ga.complete([5, 4])).shape
        torch.Size([9, 16])
    """

    def __init__(self, module: nn.Module, connect: Callable[[Any], Graph]) -> None:
        super().__init__()
        self.module, self.connect = module, connect
        self._made: tuple[Any, Graph] | None = None

    def forward(self, x: Tensor, graph: Graph, *args: Any, **options: Any) -> Tensor:
        """What the module gives on the other graph."""
        key = (sizes_of(graph), graph.device)
        if self._made is None or self._made[0] != key:
            self._made = key, self.connect(graph).to(graph.device)
        return self.module(x, self._made[1], *args, **options)
