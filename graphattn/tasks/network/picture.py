"""Draw a node's neighborhood, or a whole small network: edges as thick as their weight, nodes by their label."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphattn.files import write_atomically, write_text
from graphattn.tasks.common.errors import SettingsError
from graphattn.tasks.network.explain import Explanation

Array = NDArray[np.float64]

COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
"""Okabe and Ito's palette, which people with a color vision deficiency tell apart; the eighth class on is gray"""

OTHER, WRONG = "#8a939e", "#d0103a"
SUFFIXES = (".png", ".svg", ".pdf", ".html")
_MOST_NODES = 30
_LONGEST = 12
"""letters of an id or a label that are drawn"""

_INSIDE = 3
"""letters of an id that fit inside a node"""

_NAMED = 9
"""nodes of a neighborhood whose longer ids are written beside them"""


@dataclass(frozen=True)
class Node:
    """A node of a picture: where it stands, what is written on it, its class, and a sentence for whoever points at it.

    `wrong` puts a red ring around it, `center` makes it larger.
    """

    x: float
    y: float
    text: str
    kind: int
    title: str
    wrong: bool = False
    center: bool = False


@dataclass(frozen=True)
class Edge:
    """An edge between two of the nodes, by their places, with a width from 0 to 1; an arrow where it is `directed`."""

    source: int
    target: int
    width: float
    title: str
    directed: bool = False


@dataclass(frozen=True)
class Picture:
    """Nodes and edges in the square from −1 to 1, the classes for the legend, and a heading."""

    nodes: Sequence[Node]
    edges: Sequence[Edge]
    classes: Sequence[str]
    heading: str
    note: str = ""

    @property
    def height(self) -> float:
        """How high the picture is that is 2 wide."""
        return max(2 * max((abs(node.y) for node in self.nodes), default=1.0), 0.8)


def neighborhood(
    found: Explanation,
    *,
    ids: Sequence[str],
    predicted: Sequence[int],
    actual: Sequence[str | None],
    classes: Sequence[str],
    most: int = _MOST_NODES,
) -> Picture:
    """Make the picture of an explanation: the nodes that were listened to most, and the attention along each edge.

    Args:
        found: the explanation.
        ids: of all nodes.
        predicted: places in `classes`, of all nodes; −1 for none.
        actual: labels that were given, of all nodes.
        classes: the labels.
        most: nodes to draw.
    """
    import networkx as nx

    flow, center = found.flow, found.place
    heard = np.zeros(len(ids))
    np.add.at(heard, flow.edge_index[0], flow.edges)
    heard[center] = math.inf
    kept = {int(place) for place in np.argsort(-heard, kind="stable")[:most] if heard[place] > 0}
    shares: dict[tuple[int, int], float] = {}
    for (one, other), share in zip(flow.edge_index.T.tolist(), flow.edges.tolist(), strict=True):
        if one in kept and other in kept:
            pair = (min(one, other), max(one, other))
            shares[pair] = shares.get(pair, 0.0) + share
    graph = nx.Graph()
    graph.add_node(center)
    graph.add_edges_from(sorted(shares))
    graph = graph.subgraph(nx.node_connected_component(graph, center))
    shares = {pair: share for pair, share in shares.items() if pair[0] in graph}
    order = sorted(graph.nodes)
    spots = _layout(graph, order)
    largest = max(shares.values(), default=1.0)
    named = set(sorted(order, key=lambda node: -heard[node])[:_NAMED])
    place = {node: at for at, node in enumerate(order)}
    drawn = [
        Node(
            *spots[at],
            ids[node] if node in named or len(ids[node]) <= _INSIDE else "",
            predicted[node],
            _title(ids[node], predicted[node], actual[node], classes, f"{flow.nodes[node]:.1%} of the attention"),
            _is_wrong(predicted[node], actual[node], classes),
            node == center,
        )
        for at, node in enumerate(order)
    ]
    edges = [
        Edge(place[one], place[other], share / largest, f"{ids[one]} – {ids[other]}: attention {share:.3f}")
        for (one, other), share in sorted(shares.items(), key=lambda item: item[1])
    ]
    said = f"Node {_short(found.node, 24)}: {_short(found.predicted, 24)}"
    if found.confidence is not None:
        said += f", {found.confidence:.0%} sure"
    if found.actual is not None and classes:
        said += " (right)" if found.actual == found.predicted else f" (it is {_short(found.actual, 24)})"
    return Picture(drawn, edges, classes, said, "Lines are as thick as the attention that passes along them.")


def whole(
    *,
    ids: Sequence[str],
    edge_index: NDArray[np.int64],
    weights: Sequence[float] | None,
    predicted: Sequence[int],
    confidence: Sequence[float] | None,
    actual: Sequence[str | None],
    classes: Sequence[str],
    heading: str,
    directed: bool = False,
) -> Picture:
    """Make the picture of a whole small network; lines are as thick as the edges' weights."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(len(ids)))
    graph.add_edges_from((one, other) for one, other in edge_index.T.tolist() if one != other)
    spots = _layout(graph, list(range(len(ids))))
    known = [1.0] * edge_index.shape[1] if weights is None else [max(float(weight), 0.0) for weight in weights]
    largest = max(known, default=1.0) or 1.0
    nodes = [
        Node(
            *spots[at],
            name,
            predicted[at],
            _title(
                name, predicted[at], actual[at], classes, "" if confidence is None else f"{confidence[at]:.0%} sure"
            ),
            _is_wrong(predicted[at], actual[at], classes),
        )
        for at, name in enumerate(ids)
    ]
    edges = [
        Edge(
            one,
            other,
            (0.25 if weights is None else weight / largest),
            f"{ids[one]} {'→' if directed else '–'} {ids[other]}" + ("" if weights is None else f": weight {weight:g}"),
            directed,
        )
        for (one, other), weight in zip(edge_index.T.tolist(), known, strict=True)
        if one != other
    ]
    note = "" if weights is None else "Lines are as thick as the weights of the edges."
    return Picture(nodes, edges, classes, heading, note)


def write_picture(path: Path, picture: Picture) -> None:
    """Write a picture; the name's end says how: .png, .svg, .pdf, or .html with a sentence at each node and edge.

    Raises:
        SettingsError: the name ends otherwise.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise SettingsError(f"a picture's name must end in {', '.join(SUFFIXES)}, got {path.name!r}.")
    if suffix == ".html":
        write_text(path, _PAGE.format(title=escape(picture.heading), svg=to_svg(picture), note=escape(picture.note)))
        return
    write_atomically(path, lambda temporary: temporary.write_bytes(_matplotlib(picture, suffix[1:])))


def to_svg(picture: Picture) -> str:
    """Return the picture as an `<svg>` element whose colors are those of the page around it."""
    size, margin = 640, 60
    many = len(picture.nodes) > 60
    larger = 1.6 if len(picture.nodes) <= 20 else 1.0  # such a picture is often shown small
    radius = 7.0 if many else 15.0 * larger

    def at(x: float, y: float) -> tuple[float, float]:
        scale = (size - 2 * margin) / 2
        return margin + (x + 1) * scale, margin + (picture.height / 2 - y) * scale

    used = sorted({node.kind for node in picture.nodes if node.kind >= 0})
    lines = 0 if not picture.classes else (len(used) + 1) // 2
    base = picture.height / 2 * (size - 2 * margin) + 2 * margin
    height = base + 26 * larger * lines
    parts = [f'<svg viewBox="0 0 {size} {height:.0f}" role="img" aria-label="{escape(picture.heading)}">']
    for edge in picture.edges:
        (x1, y1), (x2, y2) = (at(picture.nodes[end].x, picture.nodes[end].y) for end in (edge.source, edge.target))
        parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="var(--muted, #5d6b7c)" '
            f'stroke-width="{_width(edge.width):.1f}" stroke-opacity="{0.25 + 0.6 * edge.width:.2f}" '
            f'stroke-linecap="round"><title>{escape(edge.title)}</title></line>'
        )
    for node in picture.nodes:
        x, y = at(node.x, node.y)
        r = radius * (1.5 if node.center else 1)
        ring = WRONG if node.wrong else "var(--card, #ffffff)"
        parts.append(
            f'<g><title>{escape(node.title)}</title><circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" '
            f'fill="{color(node.kind)}" stroke="{ring}" stroke-width="{3.5 if node.wrong else 1.5}"/>'
        )
        if not many:
            text = _short(node.text, _LONGEST)
            inside = len(text) <= _INSIDE
            ink = _ink(node.kind) if inside else "var(--ink, #17212e)"
            parts.append(
                f'<text x="{x:.1f}" y="{y + (4.5 * larger if inside else r + 13 * larger):.1f}" text-anchor="middle" '
                f'font-size="{(15 if node.center else 12.5) * larger:g}" font-weight="600" fill="{ink}" '
                f'pointer-events="none">{escape(text)}</text>'
            )
        parts.append("</g>")
    for number, kind in enumerate(used if lines else ()):
        x, y = margin + (number % 2) * size / 2, base + 26 * larger * (number // 2) + 8
        parts.append(
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="7" fill="{color(kind)}"/>'
            f'<text x="{x + 14:.0f}" y="{y + 5 * larger:.0f}" font-size="{15 * larger:g}" fill="var(--ink, #17212e)">'
            f"{escape(_short(picture.classes[kind], 26))}</text>"
        )
    return "".join([*parts, "</svg>"])


def color(kind: int) -> str:
    """Return the color of a class by its place."""
    return COLORS[kind] if 0 <= kind < len(COLORS) else OTHER


def _matplotlib(picture: Picture, kind: str) -> bytes:
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgba
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    many = len(picture.nodes) > 60
    figure = Figure(figsize=(8, 4 * picture.height + 1.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    spots = np.array([(node.x, node.y) for node in picture.nodes])
    lines = [spots[[edge.source, edge.target]] for edge in picture.edges]
    widths = [_width(edge.width) for edge in picture.edges]
    shades = [to_rgba("#5d6b7c", 0.25 + 0.6 * edge.width) for edge in picture.edges]
    axes.add_collection(LineCollection(lines, linewidths=widths, colors=shades, capstyle="round", zorder=1))
    axes.scatter(
        spots[:, 0],
        spots[:, 1],
        s=[(90 if many else 420) * (2.2 if node.center else 1) for node in picture.nodes],
        c=[color(node.kind) for node in picture.nodes],
        edgecolors=[WRONG if node.wrong else "white" for node in picture.nodes],
        linewidths=[3.0 if node.wrong else 1.5 for node in picture.nodes],
        zorder=2,
    )
    for node in () if many else picture.nodes:
        text = _short(node.text, _LONGEST).replace("$", r"\$")
        inside = len(text) <= _INSIDE
        axes.annotate(
            text,
            (node.x, node.y),
            xytext=(0, 0 if inside else -(17 if node.center else 14)),
            textcoords="offset points",
            ha="center",
            va="center_baseline" if inside else "top",
            color=_ink(node.kind) if inside else "#17212e",
            weight="bold",
            size=12 if node.center else 9.5,
            zorder=3,
        )
    used = sorted({node.kind for node in picture.nodes if node.kind >= 0})
    mark: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 10}
    handles = [
        Line2D([], [], color=color(each), label=_short(picture.classes[each], 26).replace("$", r"\$"), **mark)
        for each in used
        if each < len(picture.classes)
    ]
    if any(node.wrong for node in picture.nodes):
        ringed: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": WRONG, "markeredgewidth": 2.5}
        handles.append(Line2D([], [], label="predicted wrong", **mark, **ringed))
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=min(3, len(handles)), frameon=False)
    axes.set_title(picture.heading.replace("$", r"\$"), size=14, pad=12)
    axes.margins(0.07)
    axes.set_aspect("equal")
    axes.axis("off")
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "graphattn", "svg.fonttype": "none"}):
        figure.savefig(buffer, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()


def _layout(graph: Any, order: Sequence[int]) -> list[tuple[float, float]]:
    """Where nodes stand, each coordinate from −1 to 1."""
    import networkx as nx

    if len(graph) == 1:
        return [(0.0, 0.0)]
    if len(graph) <= 120 and nx.is_connected(graph):
        spots = nx.kamada_kawai_layout(graph, weight=None)
    else:
        spots = nx.spring_layout(graph, seed=0, iterations=60)
    every = np.array([spots[node] for node in order], dtype=np.float64)
    every = every - every.mean(0)
    along = np.linalg.svd(every, full_matrices=False)[2]
    every = every @ (along * np.where(along.sum(1, keepdims=True) < 0, -1, 1)).T  # the longest way lies across
    low, high = every.min(0), every.max(0)
    every = 2 * (every - (low + high) / 2) / max(float((high - low).max()), 1e-9)
    return [(float(x), float(y)) for x, y in every]


def _title(name: str, kind: int, actual: str | None, classes: Sequence[str], more: str) -> str:
    parts = [f"predicted {classes[kind]}"] if classes and kind >= 0 else []
    parts += [f"labeled {actual}"] if actual is not None else ["no label"]
    return f"{name}: " + ", ".join([*parts, *([more] if more else [])])


def _is_wrong(kind: int, actual: str | None, classes: Sequence[str]) -> bool:
    return bool(classes) and kind >= 0 and actual is not None and classes[kind] != actual


def _width(share: float) -> float:
    return 0.8 + 8 * share


def _ink(kind: int) -> str:
    """White or black, whichever is read better on the color of a class."""
    value = color(kind)
    red, green, blue = (int(value[at : at + 2], 16) for at in (1, 3, 5))
    return "#ffffff" if 0.299 * red + 0.587 * green + 0.114 * blue < 140 else "#17212e"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
:root {{ --card: #ffffff; --ink: #17212e; --muted: #5d6b7c; }}
@media (prefers-color-scheme: dark) {{ :root {{ --card: #19212b; --ink: #e7ecf2; --muted: #9aa8b8; }} }}
body {{ margin: 0; background: var(--card); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }}
main {{ max-width: 860px; margin: 0 auto; padding: 20px 12px; }}
h1 {{ font-size: 20px; margin: 0 0 8px; overflow-wrap: anywhere; }}
svg {{ display: block; width: 100%; height: auto; }}
line:hover {{ stroke-opacity: 1; }}
p {{ color: var(--muted); font-size: 14px; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{svg}
<p>{note} Point at a node or a line to read about it.</p>
</main>
</body>
</html>
"""
