"""What attention costs as the number of nodes grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from graphattn.graph import Graph
from graphattn.ops.attention import explain_backend

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_cost(
    kinds: Mapping[str, Callable[[int], Graph]],
    sizes: Sequence[int],
    *,
    heads: int = 8,
    width: int = 16,
    **options: Any,
) -> Figure:
    """Draw operations and bytes of attention against the number of nodes, for graphs of some kinds.

    They are those that `explain_backend` counts for the backend that would run; nothing is run.

    Args:
        kinds: names, and functions from a number of nodes to a graph: `{"full": ga.complete, "window": lambda n:
            ga.window(n, 128)}`.
        sizes: the numbers of nodes.
        heads, width: of queries, keys and values.
        **options: of `graphattn.attention`.

    Returns:
        The Matplotlib figure.

    Raises:
        ValueError: no kinds or sizes.
    """
    if not kinds or not sizes:
        raise ValueError("plot_cost needs a kind of graph and a number of nodes at least")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for (name, make), marker in zip(kinds.items(), "osD^vPX*" * len(kinds), strict=False):
        found = [_explained(make(size), heads, width, options) for size in sizes]
        left.plot(sizes, [each.flops for each in found], marker=marker, label=name)
        right.plot(sizes, [each.bytes for each in found], marker=marker, label=name)
    for ax, what in ((left, "operations"), (right, "bytes moved")):
        ax.set(xscale="log", yscale="log", xlabel="nodes", ylabel=what)
        ax.grid(alpha=0.3)
        ax.legend()
    figure.suptitle(f"Cost of attention, {heads} heads of width {width}")
    return figure


def _explained(graph: Graph, heads: int, width: int, options: dict[str, Any]) -> Any:
    x = torch.empty(1, heads, width).expand(graph.num_src, heads, width)
    q = torch.empty(1, heads, width).expand(graph.num_dst, heads, width)
    return explain_backend(q, x, x, graph, **options)
