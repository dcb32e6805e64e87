"""A picture of a graph: its matrix, a neighborhood in a grid, or its nodes and edges."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from graphattn.graph.bipartite import Bipartite
from graphattn.graph.graph import Graph, as_count
from graphattn.graph.grid import Grid
from graphattn.graph.neighborhood import Neighborhood
from graphattn.graph.packed import Packed
from graphattn.graph.union import Union

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES = ("auto", "matrix", "neighborhood", "network")

_MOST_EDGES = 10**8
_MOST_PIXELS = 512  # a matrix with more rows or columns is drawn coarser
_MOST_NODES = 60  # of a graph without a rule that "auto" draws as a network
# Okabe and Ito's colors, which color-blind people tell apart.
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D31")
_EMPTY, _SELF = "#F2F2F2", "#D55E00"


def plot(
    graph: Graph, style: str = "auto", *, node: int | None = None, pos: Tensor | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a graph with Matplotlib.

    - "matrix": a row for each destination, a column for each source, a filled cell for each edge; a band for a
      window, a triangle for a causal graph. The parts of a union have colors of their own, the earlier on top.
      Above 512 rows or columns several share a pixel, filled where there is any edge.
    - "neighborhood": the cells of one grid or window, and which of them one node sees; the numbers are those of
      `offset_index`. A volume is drawn plane by plane.
    - "network": nodes as points and edges as lines, with arrows where not every edge is there both ways. Graphs with
      two node sets have their sources on the left, other graphs are laid out by forces between nodes.
    - "auto": "network" with `pos` and for small graphs that follow no rule; "neighborhood" for a grid; otherwise
      "matrix".

    Args:
        graph: the graph; at most 100 million edges, unless only a neighborhood is drawn.
        style: one of the above.
        node: the node whose neighborhood is drawn; one in the middle when None.
        pos: where the nodes are, `[N, 2]`, for "network".
        ax: where to draw; new axes when None.

    Returns:
        The Matplotlib axes, to change or to save: `graph.plot().figure.savefig("graph.png")`.

    Raises:
        TypeError: `node` is no integer.
        ValueError: an unknown style, a style that the graph has not, a node outside, `pos` of another shape, or too
            many edges.

    Example:
        >>> from graphattn.graph import window
        >>> axes = window(16, radius=2).plot()  # doctest: +SKIP
    """
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, got {style!r}")
    if style == "auto":
        style = _choose(graph, pos)
    if style != "neighborhood" and graph.num_edges > _MOST_EDGES:
        raise ValueError(
            f"plot draws at most {_MOST_EDGES:,} edges, but the graph has {graph.num_edges:,}; "
            "draw a smaller one of its kind"
        )
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(layout="constrained")[1]
    if style == "matrix":
        _matrix(graph, ax)
    elif style == "network":
        _network(graph, pos, ax)
    else:
        _neighborhood(graph, node, ax)
    return ax


def _choose(graph: Graph, pos: Tensor | None) -> str:
    if pos is not None:
        return "network"
    if isinstance(graph, Grid) and graph.num_graphs == 1 and graph.num_nodes:
        return "neighborhood"
    by_rule = isinstance(graph, Packed | Union)
    return "network" if not by_rule and graph.num_dst + graph.num_src <= 2 * _MOST_NODES else "matrix"


def _title(graph: Graph) -> str:
    if graph.num_dst == graph.num_src and not isinstance(graph, Bipartite):
        nodes = f"{graph.num_nodes:,} nodes"
    else:
        nodes = f"{graph.num_src:,} sources, {graph.num_dst:,} destinations"
    return f"{type(graph).__name__}: {nodes}, {graph.num_edges:,} edges"


def _matrix(graph: Graph, ax: Axes) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    parts = graph.parts if isinstance(graph, Union) else (graph,)
    M, N = graph.num_dst, graph.num_src
    rows, columns = min(M, _MOST_PIXELS), min(N, _MOST_PIXELS)
    cells = torch.zeros(rows * columns, dtype=torch.uint8, device="cpu")
    for number, part in reversed(list(enumerate(parts, 1))):
        src, dst = part.edge_index.cpu()
        cells[dst * rows // max(M, 1) * columns + src * columns // max(N, 1)] = number
    colors = [_EMPTY, *(_COLORS[number % len(_COLORS)] for number in range(len(parts)))]
    if cells.numel():
        ax.imshow(
            cells.view(rows, columns).numpy(),
            cmap=ListedColormap(colors),
            vmin=0,
            vmax=len(parts),
            interpolation="nearest",
            extent=(-0.5, N - 0.5, M - 0.5, -0.5),
        )
    if max(M, N) <= 64:
        _cell_borders(ax, M, N)
    if isinstance(graph, Packed):
        for boundary in graph.dst_ptr[1:-1].tolist():
            ax.axhline(boundary - 0.5, color="black", lw=0.8)
        for boundary in graph.src_ptr[1:-1].tolist():
            ax.axvline(boundary - 0.5, color="black", lw=0.8)
    if len(parts) > 1:
        handles = [Patch(color=color, label=type(part).__name__) for color, part in zip(colors[1:], parts, strict=True)]
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1), borderaxespad=0, frameon=False)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(title=_title(graph), xlabel="source j (key)", ylabel="destination i (query)")
    ax.spines[:].set_visible(False)


def _cell_borders(ax: Axes, rows: int, columns: int) -> None:
    """White lines between cells."""
    for row in range(1, rows):
        ax.axhline(row - 0.5, color="white", lw=0.6)
    for column in range(1, columns):
        ax.axvline(column - 0.5, color="white", lw=0.6)


def _neighborhood(graph: Graph, node: int | None, ax: Axes) -> None:
    from matplotlib.colors import ListedColormap

    if not isinstance(graph, Neighborhood) or graph.num_graphs != 1 or not graph.num_nodes:
        raise ValueError(f"style='neighborhood' draws one grid or one window with nodes, got {graph!r}")
    shape = graph.shapes[0]
    middle = sum(length // 2 * math.prod(shape[axis + 1 :]) for axis, length in enumerate(shape))
    node = middle if node is None else as_count("node", node)
    if node >= graph.num_nodes:
        raise ValueError(f"node must be one of the {graph.num_nodes} nodes, got {node}")
    begin, end = graph.csr.indptr[node : node + 2].tolist()
    seen, offsets = graph.csr.indices[begin:end].long().cpu(), graph.offset_index[begin:end].tolist()
    planes, height, width = (1,) * (3 - len(shape)) + shape
    # The planes of a volume stand side by side, one empty column between them.
    color = torch.full((height, planes, width + 1), 3, dtype=torch.uint8, device="cpu")
    color[:, :, :width] = 0
    plane, row, column = torch.unravel_index(seen, (planes, height, width))
    color[row, plane, column] = 1
    own = [int(place) for place in torch.unravel_index(torch.tensor(node, device="cpu"), (planes, height, width))]
    color[own[1], own[0], own[2]] = 2
    picture = color.flatten(1)[:, :-1]
    colors = ListedColormap([_EMPTY, _COLORS[0], _SELF, "white"])
    ax.imshow(picture.numpy(), cmap=colors, vmin=0, vmax=3, interpolation="nearest")
    if max(picture.shape) <= 64:
        _cell_borders(ax, *picture.shape)
    if max(picture.shape) <= 24:
        for x, y, offset in zip((plane * (width + 1) + column).tolist(), row.tolist(), offsets, strict=True):
            ax.text(x, y, str(offset), color="white", ha="center", va="center", fontsize="small")
    where = node if len(shape) == 1 else tuple(own[3 - len(shape) :])
    ax.set(title=f"{type(graph).__name__} {' × '.join(map(str, shape))}: node {where} sees {end - begin}")
    ax.set(xlabel="column" if planes == 1 else "column, plane by plane")
    if len(shape) == 1:
        ax.set(xlabel="position", yticks=[])
    else:
        ax.set(ylabel="row")
    if planes > 1:
        middles = [plane * (width + 1) + (width - 1) / 2 for plane in range(planes)]
        ax.set_xticks(middles, [f"plane {plane}" for plane in range(planes)])
    ax.spines[:].set_visible(False)


def _network(graph: Graph, pos: Tensor | None, ax: Axes) -> None:
    from matplotlib.collections import LineCollection

    places, src_places = _layout(graph, pos)
    src, dst = graph.edge_index.cpu()
    ends = torch.stack([src_places[src], places[dst]], dim=1)
    one_node_set = src_places is places
    both_ways = one_node_set and set(zip(src.tolist(), dst.tolist(), strict=True)) == set(
        zip(dst.tolist(), src.tolist(), strict=True)
    )
    lines = ends[src != dst] if one_node_set else ends
    if both_ways or len(lines) > 2000:
        ax.add_collection(LineCollection(list(lines.numpy()), colors=_COLORS[0], lw=0.8, alpha=0.6, zorder=1))
    else:
        for start, end in lines.tolist():
            arrow = {"arrowstyle": "-|>", "color": _COLORS[0], "alpha": 0.7, "lw": 0.9, "shrinkA": 4, "shrinkB": 4}
            ax.annotate("", end, start, arrowprops=arrow, zorder=1)
    loops = dst[src == dst] if one_node_set else dst[:0]
    _dots(ax, places[loops], 90, facecolors="none", edgecolors=_COLORS[0], lw=0.9, zorder=2)
    if not one_node_set:
        _dots(ax, src_places, 26, color=_COLORS[1], zorder=3)
    _dots(ax, places, 26, color=_SELF, zorder=3)
    ax.set(title=_title(graph), xticks=[], yticks=[])
    if pos is not None:
        ax.set_aspect("equal")
    if not one_node_set:
        ax.set_xticks([0, 1], ["sources (keys)", "destinations (queries)"])
    ax.margins(0.06)
    ax.spines[:].set_visible(False)


def _dots(ax: Axes, places: Tensor, size: float, **look: Any) -> None:
    x, y = places.t().numpy()
    ax.scatter(x, y, size, **look)


def _layout(graph: Graph, pos: Tensor | None) -> tuple[Tensor, Tensor]:
    """Where the destinations and the sources are, `[M, 2]` and `[N, 2]`; one tensor where they are one node set."""
    if pos is not None:
        if pos.shape != (graph.num_dst, 2) or graph.num_dst != graph.num_src:
            raise ValueError(
                f"pos must have shape [N, 2] for the N nodes of one set, got {list(pos.shape)} for {graph!r}"
            )
        places = pos.detach().cpu().double()
        return places, places
    if graph.num_dst != graph.num_src or isinstance(graph, Bipartite):
        left, right = (torch.linspace(1, 0, n + 2, device="cpu")[1:-1] for n in (graph.num_src, graph.num_dst))
        return torch.stack([torch.ones_like(right), right], dim=1), torch.stack([torch.zeros_like(left), left], dim=1)
    import networkx

    drawn = networkx.Graph()
    drawn.add_nodes_from(range(graph.num_nodes))
    drawn.add_edges_from(graph.edge_index.t().tolist())
    found = networkx.spring_layout(drawn, seed=0)
    found = [found[node].tolist() for node in range(graph.num_nodes)]
    places = torch.tensor(found, dtype=torch.float64, device="cpu").view(-1, 2)
    return places, places
