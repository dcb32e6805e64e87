"""A picture of a graph: its matrix, a neighborhood in a grid, or its nodes and edges."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from graphattn.deprecation import warn_renamed
from graphattn.graph.checks import as_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES = ("auto", "matrix", "neighborhood", "network")

_MOST_EDGES = 10**8
_MOST_PIXELS = 512  # a matrix with more rows or columns is drawn coarser
_MOST_NODES = 60  # of a graph without a rule that "auto" draws as a network
# Okabe and Ito's colors, which color-blind people tell apart.
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D31")
_EMPTY, _SELF = "#F2F2F2", "#D55E00"


class Sight(NamedTuple):
    """A grid or a window, of which the picture shows the neighborhood of one node."""

    shape: tuple[int, ...]
    """The lengths of its axes."""
    of: Callable[[int], tuple[Tensor, Tensor]]
    """The nodes that a node sees, and the offset of each."""


class Picture(NamedTuple):
    """The facts about a graph that `plot` draws from."""

    name: str
    num_dst: int
    num_src: int
    num_edges: int
    edge_index: Callable[[], Tensor]
    """The edges, `[2, E]`."""
    layers: tuple[tuple[str, Callable[[], Tensor]], ...]
    """Name and edges of each part of a union, or of the whole."""
    two_sets: bool
    """Whether sources and destinations are two sets of nodes."""
    follows_rule: bool = False
    """Whether the edges follow from a rule, so that the matrix shows more than nodes and lines."""
    boundaries: tuple[list[int], list[int]] = ([], [])
    """The destinations and the sources at which a graph of a batch begins, but for the first."""
    sight: Sight | None = None
    """Of one grid or one window with nodes."""
    is_grid: bool = False


def plot(
    picture: Picture, style: str = "auto", *, node: int | None = None, pos: Tensor | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a graph from its `Picture`; `Graph.plot` describes the arguments and errors."""
    if style == "neighbourhood":
        warn_renamed("style='neighbourhood'", "style='neighborhood'", stacklevel=4)
        style = "neighborhood"
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, got {style!r}")
    if style == "auto":
        style = _choose(picture, pos)
    if style != "neighborhood" and picture.num_edges > _MOST_EDGES:
        raise ValueError(
            f"plot draws at most {_MOST_EDGES:,} edges, but the graph has {picture.num_edges:,}; "
            "draw a smaller one of its kind"
        )
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(layout="constrained")[1]
    if style == "matrix":
        _matrix(picture, ax)
    elif style == "network":
        _network(picture, pos, ax)
    else:
        _neighborhood(picture, node, ax)
    return ax


def _choose(picture: Picture, pos: Tensor | None) -> str:
    if pos is not None:
        return "network"
    if picture.is_grid and picture.sight is not None:
        return "neighborhood"
    small = picture.num_dst + picture.num_src <= 2 * _MOST_NODES
    return "network" if small and not picture.follows_rule else "matrix"


def _title(picture: Picture) -> str:
    nodes = f"{picture.num_src:,} sources, {picture.num_dst:,} destinations"
    if not picture.two_sets:
        nodes = f"{picture.num_dst:,} nodes"
    return f"{picture.name}: {nodes}, {picture.num_edges:,} edges"


def _matrix(picture: Picture, ax: Axes) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    layers = picture.layers
    M, N = picture.num_dst, picture.num_src
    rows, columns = min(M, _MOST_PIXELS), min(N, _MOST_PIXELS)
    cells = torch.zeros(rows * columns, dtype=torch.uint8, device="cpu")
    for number, (_, edges) in reversed(list(enumerate(layers, 1))):
        src, dst = edges().cpu()
        cells[dst * rows // max(M, 1) * columns + src * columns // max(N, 1)] = number
    colors = [_EMPTY, *(_COLORS[number % len(_COLORS)] for number in range(len(layers)))]
    if cells.numel():
        ax.imshow(
            cells.view(rows, columns).numpy(),
            cmap=ListedColormap(colors),
            vmin=0,
            vmax=len(layers),
            interpolation="nearest",
            extent=(-0.5, N - 0.5, M - 0.5, -0.5),
        )
    if max(M, N) <= 64:
        _cell_borders(ax, M, N)
    for boundary in picture.boundaries[0]:
        ax.axhline(boundary - 0.5, color="black", lw=0.8)
    for boundary in picture.boundaries[1]:
        ax.axvline(boundary - 0.5, color="black", lw=0.8)
    if len(layers) > 1:
        handles = [Patch(color=color, label=name) for color, (name, _) in zip(colors[1:], layers, strict=True)]
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1), borderaxespad=0, frameon=False)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(title=_title(picture), xlabel="source j (key)", ylabel="destination i (query)")
    ax.spines[:].set_visible(False)


def _cell_borders(ax: Axes, rows: int, columns: int) -> None:
    """White lines between cells."""
    for row in range(1, rows):
        ax.axhline(row - 0.5, color="white", lw=0.6)
    for column in range(1, columns):
        ax.axvline(column - 0.5, color="white", lw=0.6)


def _neighborhood(picture: Picture, node: int | None, ax: Axes) -> None:
    from matplotlib.colors import ListedColormap

    if picture.sight is None:
        raise ValueError(f"style='neighborhood' draws one grid or one window with nodes, got {_title(picture)}")
    shape = picture.sight.shape
    middle = sum(length // 2 * math.prod(shape[axis + 1 :]) for axis, length in enumerate(shape))
    node = middle if node is None else as_count("node", node)
    if node >= picture.num_dst:
        raise ValueError(f"node must be one of the {picture.num_dst} nodes, got {node}")
    seen, offsets = (found.long().cpu() for found in picture.sight.of(node))
    planes, height, width = (1,) * (3 - len(shape)) + shape
    # The planes of a volume stand side by side, one empty column between them.
    color = torch.full((height, planes, width + 1), 3, dtype=torch.uint8, device="cpu")
    color[:, :, :width] = 0
    plane, row, column = torch.unravel_index(seen, (planes, height, width))
    color[row, plane, column] = 1
    own = [int(place) for place in torch.unravel_index(torch.tensor(node, device="cpu"), (planes, height, width))]
    color[own[1], own[0], own[2]] = 2
    cells = color.flatten(1)[:, :-1]
    colors = ListedColormap([_EMPTY, _COLORS[0], _SELF, "white"])
    ax.imshow(cells.numpy(), cmap=colors, vmin=0, vmax=3, interpolation="nearest")
    if max(cells.shape) <= 64:
        _cell_borders(ax, *cells.shape)
    if max(cells.shape) <= 24:
        for x, y, offset in zip((plane * (width + 1) + column).tolist(), row.tolist(), offsets.tolist(), strict=True):
            ax.text(x, y, str(offset), color="white", ha="center", va="center", fontsize="small")
    where = node if len(shape) == 1 else tuple(own[3 - len(shape) :])
    ax.set(title=f"{picture.name} {' × '.join(map(str, shape))}: node {where} sees {len(seen)}")
    ax.set(xlabel="column" if planes == 1 else "column, plane by plane")
    if len(shape) == 1:
        ax.set(xlabel="position", yticks=[])
    else:
        ax.set(ylabel="row")
    if planes > 1:
        middles = [plane * (width + 1) + (width - 1) / 2 for plane in range(planes)]
        ax.set_xticks(middles, [f"plane {plane}" for plane in range(planes)])
    ax.spines[:].set_visible(False)


def _network(picture: Picture, pos: Tensor | None, ax: Axes) -> None:
    from matplotlib.collections import LineCollection

    places, src_places = _layout(picture, pos)
    src, dst = picture.edge_index().cpu()
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
    ax.set(title=_title(picture), xticks=[], yticks=[])
    if pos is not None:
        ax.set_aspect("equal")
    if not one_node_set:
        ax.set_xticks([0, 1], ["sources (keys)", "destinations (queries)"])
    ax.margins(0.06)
    ax.spines[:].set_visible(False)


def _dots(ax: Axes, places: Tensor, size: float, **look: Any) -> None:
    x, y = places.t().numpy()
    ax.scatter(x, y, size, **look)


def _layout(picture: Picture, pos: Tensor | None) -> tuple[Tensor, Tensor]:
    """Where the destinations and the sources are, `[M, 2]` and `[N, 2]`; one tensor where they are one node set."""
    if pos is not None:
        if pos.shape != (picture.num_dst, 2) or picture.num_dst != picture.num_src:
            raise ValueError(
                f"pos must have shape [N, 2] for the N nodes of one set, got {list(pos.shape)} for {_title(picture)}"
            )
        places = pos.detach().cpu().double()
        return places, places
    if picture.two_sets:
        left, right = (torch.linspace(1, 0, n + 2, device="cpu")[1:-1] for n in (picture.num_src, picture.num_dst))
        return torch.stack([torch.ones_like(right), right], dim=1), torch.stack([torch.zeros_like(left), left], dim=1)
    import networkx

    drawn = networkx.Graph()
    drawn.add_nodes_from(range(picture.num_dst))
    drawn.add_edges_from(picture.edge_index().t().tolist())
    found = networkx.spring_layout(drawn, seed=0)
    found = [found[node].tolist() for node in range(picture.num_dst)]
    places = torch.tensor(found, dtype=torch.float64, device="cpu").view(-1, 2)
    return places, places
