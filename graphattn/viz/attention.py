"""One picture of attention weights, of the kind that suits the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from graphattn.graph import Graph
from graphattn.viz.canvas import COLORS, as_matrix, axes_or_new, check_labels, draw_matrix, mean_over_heads

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES = ("auto", "matrix", "image", "network", "molecule")
_MOST_NODES = 60  # of a graph that "auto" draws as a network


def plot_attention(
    graph: Graph,
    weights: Tensor,
    *,
    style: str = "auto",
    labels: Sequence[str] | None = None,
    src_labels: Sequence[str] | None = None,
    node: int | None = None,
    image: Tensor | None = None,
    molecule: Any = None,
    pos: Tensor | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw attention weights on the graph they belong to.

    - "matrix": a row for each destination, a column for each source, lighter for more weight, with words beside them;
      for sequences, bands and pairs of sequences.
    - "image": what one cell of a grid looks at, laid over the image.
    - "network": nodes as points, edges as wide and dark as their weight, with arrows.
    - "molecule": the same on the drawing of a molecule.
    - "auto": "molecule" and "image" where one is given, "image" for a grid, "network" for a small graph that follows no
      rule or has positions, otherwise "matrix".

    Args:
        graph: the graph that was attended on.
        weights: `[E]` or `[E, H]` in the order of `graph.edge_index`, as `attention(…, return_weights=True)` gives
            them; of several heads the mean is drawn.
        style: one of the above.
        labels: a text for each destination, and each source where both are one set.
        src_labels: a text for each source, where sources are a set of their own.
        node: for "image", the cell that looks; the middle one when None.
        image: for "image", `[height, width]` or `[3, height, width]`, in [0, 1]; a multiple of the grid's size.
        molecule: for "molecule", a SMILES or RDKit molecule whose atoms are the nodes.
        pos: for "network", where the nodes are, `[N, 2]`; laid out by forces when None.
        title: above the picture; says what it shows when None.
        ax: where to draw; new axes when None.

    Returns:
        The Matplotlib axes.

    Raises:
        ValueError: an unknown style, sizes that do not fit, or a matrix too large to draw.

    Example:
        >>> import graphattn as ga
        >>> graph = ga.causal(3)
        >>> axes = plot_attention(graph, torch.ones(graph.num_edges), labels=["a", "b", "c"])  # doctest: +SKIP
    """
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, got {style!r}")
    mean = mean_over_heads(graph, weights)
    picture = graph._picture()
    one_set = graph.num_dst == graph.num_src
    rows = check_labels("labels", labels, graph.num_dst)
    columns = check_labels("src_labels", src_labels, graph.num_src) or (rows if one_set else None)
    if style == "auto":
        small = graph.num_dst + graph.num_src <= 2 * _MOST_NODES and one_set
        drawn = "network" if pos is not None or (small and not picture.follows_rule) else "matrix"
        on_grid = image is not None or (picture.is_grid and picture.sight is not None)
        style = "molecule" if molecule is not None else "image" if on_grid else drawn
    if style == "matrix":
        ax = axes_or_new(ax)
        draw_matrix(ax, as_matrix(graph, mean), rows, columns)
        ax.set(xlabel="looked at", ylabel="looks", title=title or f"Attention on {picture.name}")
        return ax
    if style == "image":
        shape = picture.sight.shape if picture.sight is not None else ()
        return _image(graph, mean, shape, node, image, title, axes_or_new(ax))
    return _network(graph, mean, molecule if style == "molecule" else None, pos, rows, title, axes_or_new(ax))


def _image(
    graph: Graph, weights: Tensor, shape: tuple[int, ...], node: int | None, image: Tensor | None, title: Any, ax: Axes
) -> Axes:
    if len(shape) != 2:
        raise ValueError(f'style "image" is for a grid of two axes, got one of {len(shape)}')
    node = (shape[0] // 2) * shape[1] + shape[1] // 2 if node is None else node
    if not 0 <= node < graph.num_dst:
        raise ValueError(f"node must be one of 0 to {graph.num_dst - 1}, got {node}")
    source, destination = graph.edge_index.cpu()
    seen = torch.zeros(graph.num_src).index_add_(0, source[destination == node], weights[destination == node])
    heat = seen.view(shape)
    if image is not None:
        pixels = image.detach().float().cpu()
        height, width = pixels.shape[-2:]
        if height % shape[0] or width % shape[1]:
            raise ValueError(f"an image of {height} by {width} is no multiple of a grid of {shape[0]} by {shape[1]}")
        ax.imshow(pixels if pixels.ndim == 2 else pixels.permute(1, 2, 0), cmap="gray")
        heat = heat.repeat_interleave(height // shape[0], 0).repeat_interleave(width // shape[1], 1)
    shown = ax.imshow(heat, cmap=COLORS, alpha=None if image is None else 0.6, vmin=0)
    scale = heat.shape[0] / shape[0], heat.shape[1] / shape[1]
    row, column = divmod(node, shape[1])
    ax.plot((column + 0.5) * scale[1] - 0.5, (row + 0.5) * scale[0] - 0.5, marker="s", mfc="none", mec="#D55E00", mew=2)
    ax.figure.colorbar(shown, ax=ax, label="weight")
    ax.set(xticks=[], yticks=[], title=title or f"What cell {row}, {column} looks at")
    return ax


def _network(
    graph: Graph, weights: Tensor, molecule: Any, pos: Tensor | None, labels: list[str] | None, title: Any, ax: Axes
) -> Axes:
    import networkx

    source, destination = graph.edge_index.cpu()
    if molecule is not None:
        from graphattn.chem.draw import layout

        symbols, places = layout(molecule)
        if len(symbols) != graph.num_dst:
            raise ValueError(f"the molecule has {len(symbols)} atoms and the graph {graph.num_dst} nodes")
        labels = labels or symbols
        pos = torch.from_numpy(places)
    drawn = networkx.DiGraph()
    drawn.add_nodes_from(range(graph.num_dst))
    for one, other, weight in zip(source.tolist(), destination.tolist(), weights.tolist(), strict=True):
        before = drawn[one][other]["weight"] if drawn.has_edge(one, other) else 0.0
        drawn.add_edge(one, other, weight=before + weight)
    spots: Any = networkx.spring_layout(drawn, seed=0) if pos is None else dict(enumerate(pos.detach().cpu().tolist()))
    top = max(float(weights.max()) if weights.numel() else 0.0, 1e-12)
    shares = [max(0.0, drawn[a][b]["weight"] / top) for a, b in drawn.edges]
    networkx.draw_networkx_edges(
        drawn, spots, ax=ax, width=[0.3 + 3.5 * share for share in shares], edge_color=shares, edge_vmin=0, edge_vmax=1,
        edge_cmap=_dark_for_much(), connectionstyle="arc3,rad=0.12", arrowsize=9, node_size=260,
    )  # fmt: skip
    networkx.draw_networkx_nodes(drawn, spots, ax=ax, node_size=260, node_color="#FFFFFF", edgecolors="#444444")
    names = dict(enumerate(labels)) if labels is not None else {node: str(node) for node in drawn}
    networkx.draw_networkx_labels(drawn, spots, names, ax=ax, font_size=8)
    ax.set_axis_off()
    ax.set_aspect("equal" if pos is not None else "auto")
    ax.set_title(title or f"Attention on {graph.num_dst} nodes; wide and dark: much weight")
    return ax


def _dark_for_much() -> Any:
    from matplotlib import colormaps

    return colormaps[COLORS].reversed()
