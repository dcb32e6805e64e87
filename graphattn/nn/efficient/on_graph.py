"""A wrapper that runs a module on a graph derived from its input graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from graphattn.graph import Graph
from graphattn.nn.positions.place import sizes_of


class OnGraph(nn.Module):
    """Run a layer or an encoder on `connect(graph)` in place of `graph`.

    This turns an encoder that is called with `ga.complete(sizes)`, where only the sizes matter, into one with windows,
    hubs or the rows of an image. The last derived graph is cached and reused for graphs of the same sizes. If
    `connect` draws random edges, it should seed them by the sizes; otherwise outputs depend on earlier calls.

    Args:
        module: called as `module(x, graph, ...)`.
        connect: maps a graph to the derived graph, which may depend only on its sizes.

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
        """Run the module on the derived graph."""
        key = (sizes_of(graph), graph.device)
        if self._made is None or self._made[0] != key:
            self._made = key, self.connect(graph).to(graph.device)
        return self.module(x, self._made[1], *args, **options)
