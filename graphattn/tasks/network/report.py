"""A report of one network and its labels: a single HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphattn.files import write_text
from graphattn.tasks.common import html
from graphattn.tasks.common.formatting import fixed
from graphattn.tasks.common.versions import library_versions
from graphattn.tasks.network.explain import Explanation
from graphattn.tasks.network.findings import labels_of
from graphattn.tasks.network.metrics import likelihood
from graphattn.tasks.network.network import Network
from graphattn.tasks.network.picture import Picture, neighborhood, to_svg, whole
from graphattn.tasks.network.report_blocks import (
    MOST_CLASSES,
    columns_block,
    comparison,
    comparison_note,
    facts,
    missing,
    tiles,
    training,
    trust,
)

if TYPE_CHECKING:
    from graphattn.tasks.network.predictor import NodePredictor

SMALL = 150
"""nodes up to which the whole network is drawn"""

_SHOWN, _DRAWN = 4, 16


@dataclass(frozen=True)
class Shown:
    """What is drawn: the whole network if it is small, and the nodes that the report tells of."""

    whole: Picture | None
    mistaken: list[tuple[Explanation, Picture]]
    surest: list[tuple[Explanation, Picture]]


def picture_of(predictor: NodePredictor, found: Explanation, most: int = 30) -> Picture:
    """Draw the neighborhood of an explained node, `most` nodes of it."""
    network = predictor.network
    return neighborhood(
        found,
        ids=network.ids,
        predicted=_predicted_places(predictor),
        actual=labels_of(network),
        classes=network.classes,
        most=most,
    )


def what_to_show(predictor: NodePredictor) -> Shown:
    """Choose the most mistaken and the surest of the nodes that measure, explain and draw them."""
    network = predictor.network
    places, errors = _errors(predictor)
    order = places[np.argsort(-errors, kind="stable")]
    wrong = _is_wrong(predictor)
    mistaken = [place for place in order if wrong[place]][:_SHOWN]
    surest = [place for place in order[::-1] if network.task == "regression" or not wrong[place]][:_SHOWN]

    def explained(chosen: Sequence[Any]) -> list[tuple[Explanation, Picture]]:
        found = [predictor.explain(network.ids[int(place)]) for place in chosen]
        return [(each, picture_of(predictor, each, most=_DRAWN)) for each in found]

    picture = None
    if len(network.ids) <= SMALL:
        predicted = predictor.predictions
        picture = whole(
            ids=network.ids,
            edge_index=network.edge_index.numpy(),
            weights=None if network.edge_weight is None else network.edge_weight.tolist(),
            predicted=_predicted_places(predictor),
            confidence=predicted.max(1).tolist() if network.task == "multiclass" else None,
            actual=labels_of(network),
            classes=network.classes,
            heading=f"{network.target} of {len(network.ids)} nodes, as predicted",
            directed=network.directed,
        )
    return Shown(picture, explained(mistaken), explained([place for place in surest if place not in mistaken]))


def write_report(path: Path, predictor: NodePredictor, measured: Mapping[str, Any], shown: Shown, name: str) -> None:
    """Write the report of a predictor that was just fitted.

    Args:
        path: the page.
        predictor: that predictor.
        measured: what its `evaluate` returned.
        shown: see `what_to_show`.
        name: of the data.
    """
    network = predictor.network
    template = Template((files("graphattn.tasks.network") / "report.html").read_text(encoding="utf-8"))
    kind = "directed" if network.directed else "undirected"
    page = template.substitute(
        style=html.style(),
        title=escape(network.target),
        subtitle=escape(
            f"{network.task.capitalize()} · {len(network.ids):,} nodes and {measured['edges']:,} {kind} edges of {name}"
        ),
        tiles=tiles(measured),
        comparison=comparison(measured),
        comparison_note=escape(comparison_note(measured)),
        notes="".join(f"<li>{escape(note)}</li>" for note in measured["notes"] if note != measured["why"]),
        data=_data(network, measured, name),
        data_figures=_data_figures(predictor, measured),
        columns=columns_block(network),
        trust=trust(predictor, measured),
        training=training(measured),
        nodes=_nodes(shown),
        facts=facts(measured),
        footer=escape(", ".join(f"{package} {version}" for package, version in library_versions().items())),
    )
    write_text(path, page)


def _data(network: Network, measured: Mapping[str, Any], name: str) -> str:
    labeled = sum(label is not None for label in labels_of(network))
    degrees = _degrees(network)
    split = measured["split"]
    pairs = [
        ("Data", name),
        ("Nodes", f"{len(network.ids):,}, of which {labeled:,} have a label"),
        ("Edges", f"{measured['edges']:,}, {'directed' if network.directed else 'in both directions'}"),
        ("Neighbors", f"{degrees.mean():.1f} in the mean, {int(degrees.max(initial=0)):,} at most"),
        (
            "Features",
            f"{len(network.feature_names):,} of the nodes' own" if network.feature_names else "none of their own",
        ),
        ("Split", f"{split['train']:,} train, {split['valid']:,} validation, {split['test']:,} test"),
        ("Left out", f"{len(network.rejects):,} rows, listed in rejects.csv" if network.rejects else "nothing"),
    ]
    if network.edge_types:
        pairs.insert(3, ("Types of edges", ", ".join(network.edge_types[:8])))
    if not missing(measured["edge_homophily"]):
        share, adjusted = measured["edge_homophily"], measured["adjusted_homophily"]
        pairs.append(
            (
                "Homophily",
                f"{share:.0%} of the edges join equal labels; adjusted {fixed(adjusted, 2)} (0 by chance, 1 at most)",
            )
        )
    return html.definitions(pairs, kind="facts")


def _data_figures(predictor: NodePredictor, measured: Mapping[str, Any]) -> str:
    from graphattn.tasks.network import figures

    network = predictor.network
    isolated = int((_degrees(network) == 0).sum())
    note = f"{isolated:,} nodes have no neighbor." if isolated else "Every node has a neighbor."
    cards = [html.card(figures.degree_plot(_degrees(network)), note)]
    if network.task != "regression":
        predicted = predictor.predictions
        if network.task == "multiclass":
            counts = np.bincount(predicted.argmax(1), minlength=len(network.classes))
        else:
            counts = (predicted > 0.5).sum(0)
        said = dict(zip(network.classes, counts.tolist(), strict=True))
        more = len(network.classes) - MOST_CLASSES
        note = "Labels that were given, and those predicted for all nodes."
        note += f" {more} rarer classes are not drawn." if more > 0 else ""
        cards.append(html.card(figures.class_plot(measured["classes"], said), note))
    return "\n".join(cards)


def _nodes(shown: Shown) -> str:
    blocks = []
    if shown.whole is not None:
        svg = to_svg(shown.whole)
        note = f"{shown.whole.note} Colors are what was predicted; a red ring marks a label that is another."
        blocks.append(f'<h2>The network</h2>\n<div class="whole">{html.card(svg, note.strip())}</div>')
    for heading, found in (("Most mistaken nodes", shown.mistaken), ("Surest nodes", shown.surest)):
        if found:
            cards = "\n".join(_node(*each) for each in found)
            blocks.append(f'<h2>{heading}</h2>\n<div class="pictures">{cards}</div>')
    return "\n".join(blocks)


def _node(found: Explanation, picture: Picture) -> str:
    pairs = [("predicted", found.predicted)]
    if found.actual is not None:
        pairs.append(("labeled", found.actual))
    if found.confidence is not None:
        pairs.append(("confidence of the network", f"{found.confidence:.0%}"))
    pairs += [
        (f"listened to {name}" if name != found.node else "to itself", f"{share:.0%}")
        for name, share in found.neighbors[:4]
    ]
    return (
        f'<div class="card picture"><h3>{escape(found.node)}</h3>{to_svg(picture)}{html.definitions(pairs)}'
        f'<p class="note">{escape(found.sentence())}</p></div>'
    )


def _degrees(network: Network) -> NDArray[np.int64]:
    return np.bincount(network.edge_index.numpy().ravel(), minlength=len(network.ids))


def _predicted_places(predictor: NodePredictor) -> list[int]:
    if predictor.network.task != "multiclass":
        return [-1] * len(predictor.network.ids)
    places: list[int] = predictor.predictions.argmax(1).tolist()
    return places


def _errors(predictor: NodePredictor) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The nodes that measure, and how far each answer is from its label."""
    network = predictor.network
    part = predictor.split.test if bool(predictor.split.test.any()) else predictor.split.valid
    places = np.flatnonzero(part.numpy())
    predicted, y = predictor.predictions[places], network.y.numpy()[places]
    if network.task == "regression":
        return places, np.abs(predicted[:, 0] - y)
    if network.task == "multiclass":
        return places, 1 - likelihood("multiclass", predicted, y)
    gaps = np.abs(predicted - y)
    return places, np.array([np.nanmean(row) if not np.isnan(row).all() else 0.0 for row in gaps])


def _is_wrong(predictor: NodePredictor) -> NDArray[np.bool_]:
    network, predicted = predictor.network, predictor.predictions
    y = network.y.numpy()
    if network.task == "regression":
        return np.ones(len(y), dtype=bool)
    if network.task == "multiclass":
        wrong: NDArray[np.bool_] = (y >= 0) & (predicted.argmax(1) != y)
        return wrong
    return ((~np.isnan(y)) & ((predicted > 0.5) != (y > 0.5))).any(1)
