"""A report of one network and its labels: a single HTML page that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
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
from graphattn.tasks.network.metrics import HIGHER_IS_BETTER, METRICS, likelihood
from graphattn.tasks.network.network import ColumnRole, Network
from graphattn.tasks.network.picture import Picture, neighborhood, to_svg, whole

if TYPE_CHECKING:
    from graphattn.tasks.network.predictor import NodePredictor

METRIC_LABELS = {
    "accuracy": "accuracy", "macro_f1": "macro-F1", "roc_auc": "ROC-AUC", "r2": "R²", "rmse": "RMSE", "mae": "MAE",
}  # fmt: skip
METHOD_LABELS = {
    "network": "attention network",
    "majority": "majority",
    "label_propagation": "label propagation",
    "logistic_regression": "logistic regression",
    "mlp": "MLP",
    "boosting": "gradient boosting",
    "blend": "blend of these",
}
SMALL = 150
"""nodes up to which the whole network is drawn"""

_SHOWN, _DRAWN = 4, 16
_MOST_CLASSES, _MOST_COLUMNS, _MOST_TRIALS = 12, 12, 8


@dataclass(frozen=True)
class Shown:
    """What is drawn: the whole network if it is small, and the nodes that the report tells of."""

    whole: Picture | None
    mistaken: list[tuple[Explanation, Picture]]
    surest: list[tuple[Explanation, Picture]]


def method_label(name: str) -> str:
    """Return what a method is called in tables."""
    return METHOD_LABELS.get(name) or name.replace("network_", "attention network ")


def answer_sentence(measured: Mapping[str, Any]) -> str:
    """Say who answers, and by what it was chosen."""
    label = METRIC_LABELS[measured["metric"]]
    value, count = fixed(measured["valid"][measured["metric"]]), measured["split"]["valid"]
    if measured["answer"] != "blend":
        name = method_label(measured["answer"])
        return f"Answer: {name}, the best by {label} {value} on {count:,} validation nodes."
    weights = [member for member in measured["members"] if member["weight"] > 0.005 and member["name"] != "blend"]
    who = ", ".join(f"{member['weight']:.0%} {method_label(member['name'])}" for member in weights)
    return f"Answer: a blend ({who}), the best by {label} {value} on {count:,} validation nodes."


def members_by_metric(members: Sequence[Mapping[str, Any]], part: str, metric: str) -> list[Mapping[str, Any]]:
    """Return the methods, the best on a part by a metric first; those for which it is not defined last."""

    def rank(member: Mapping[str, Any]) -> float:
        value = member[part][metric]
        if value is None or math.isnan(value):
            return math.inf
        return -value if HIGHER_IS_BETTER[metric] else value

    return sorted(members, key=rank)


def column_rows(columns: Sequence[ColumnRole], most: int = _MOST_COLUMNS) -> list[tuple[str, str, str, str]]:
    """Return table, column, role and reason of each column; those of a role that has more than `most` in one row."""
    rows: list[tuple[str, str, str, str]] = []
    alike: dict[tuple[str, str], list[ColumnRole]] = {}
    for column in columns:
        alike.setdefault((column.table, column.role), []).append(column)
    for (table, role), found in alike.items():
        if len(found) <= most:
            rows += [(table, column.name, role, column.why) for column in found]
        else:
            named = ", ".join(column.name for column in found[:3])
            rows.append((table, f"{named} and {len(found) - 3:,} more", role, found[0].why))
    return rows


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
        tiles=_tiles(measured),
        comparison=_comparison(measured),
        comparison_note=escape(_comparison_note(measured)),
        notes="".join(f"<li>{escape(note)}</li>" for note in measured["notes"] if note != measured["why"]),
        data=_data(network, measured, name),
        data_figures=_data_figures(predictor, measured),
        columns=_columns(network),
        trust=_trust(predictor, measured),
        training=_training(measured),
        nodes=_nodes(shown),
        facts=_facts(measured),
        footer=escape(", ".join(f"{package} {version}" for package, version in library_versions().items())),
    )
    write_text(path, page)


def _tiles(measured: Mapping[str, Any]) -> str:
    part, count = _part(measured)
    names = METRICS[measured["task"]]
    first = measured["metric"]
    tiles = [(fixed(measured[part][first]), f"{METRIC_LABELS[first]} on {count} {_PARTS[part]} nodes", True)]
    tiles += [(fixed(measured[part][name]), METRIC_LABELS[name], False) for name in names if name != first]
    calibration, coverage = measured["calibration"], measured["coverage"]
    if not _missing(calibration["after"]):
        before, after = fixed(calibration["before"]), fixed(calibration["after"])
        tiles.append((after, f"expected calibration error; {before} before the temperatures", False))
    if "measured" in coverage:
        what = "intervals" if measured["task"] == "regression" else "label sets"
        note = f"of the {what} hold the truth, {coverage['asked']:.0%} asked for; mean size {coverage['size']:.2f}"
        tiles.append((f"{coverage['measured']:.0%}", note, False))
    return "\n".join(
        f'<div class="card tile{" main" if main else ""}"><b>{value}</b><span>{escape(note)}</span></div>'
        for value, note, main in tiles
    )


_PARTS = {"test": "test", "valid": "validation"}


def _part(measured: Mapping[str, Any]) -> tuple[str, int]:
    """The part that measures, and its nodes."""
    part = "test" if measured["split"]["test"] else "valid"
    return part, measured["split"][part]


def _comparison(measured: Mapping[str, Any]) -> str:
    part, _ = _part(measured)
    names, metric = METRICS[measured["task"]], measured["metric"]
    heads = [
        "method",
        f"validation {METRIC_LABELS[metric]}",
        *(f"{_PARTS[part]} {METRIC_LABELS[name]}" for name in names),
    ]
    members = members_by_metric(measured["members"], "valid", metric)
    best = {name: _best([member[part][name] for member in members], HIGHER_IS_BETTER[name]) for name in names}
    lines = ["<table>", html.row("th", heads)]
    for member in members:
        cells = [f"<td>{escape(method_label(member['name']))}</td>", f"<td>{fixed(member['valid'][metric])}</td>"]
        for name in names:
            mark = ' class="best"' if fixed(member[part][name]) == fixed(best[name]) != "–" else ""
            cells.append(f"<td{mark}>{fixed(member[part][name])}</td>")
        kind = ' class="model"' if member["name"] == measured["answer"] else ""
        lines.append(f"<tr{kind}>{''.join(cells)}</tr>")
    return "\n".join([*lines, "</table>"])


def _comparison_note(measured: Mapping[str, Any]) -> str:
    splits = measured.get("splits")
    several = ""
    if splits:
        label = METRIC_LABELS[measured["metric"]]
        several = (
            f" Over {splits['count']} splits its test {label} is {fixed(splits['mean'])} ± "
            f"{fixed(splits['deviation'])} (mean and standard deviation)."
        )
    return (
        f"{answer_sentence(measured)} "
        "The method that does best on the validation nodes is chosen, shaded here; test nodes have no part "
        "in the choice. Boosting sees a node's features, their mean, largest and smallest among its neighbors, and its "
        f"place in the network.{several}"
    )


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
    if not _missing(measured["edge_homophily"]):
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
        more = len(network.classes) - _MOST_CLASSES
        note = "Labels that were given, and those predicted for all nodes."
        note += f" {more} rarer classes are not drawn." if more > 0 else ""
        cards.append(html.card(figures.class_plot(measured["classes"], said), note))
    return "\n".join(cards)


def _columns(network: Network) -> str:
    lines = ['<table class="left">', html.row("th", ["table", "column", "taken for", "because"])]
    lines += [html.row("td", [escape(cell) for cell in row]) for row in column_rows(network.columns)]
    return "\n".join([*lines, "</table>"])


def _trust(predictor: NodePredictor, measured: Mapping[str, Any]) -> str:
    from graphattn.tasks.common import figures as common
    from graphattn.tasks.network import figures

    network = predictor.network
    part, count = _part(measured)
    chosen = getattr(predictor.split, part).numpy()
    predicted, y = predictor.predictions[chosen], network.y.numpy()[chosen]
    if count == 0:
        return '<p class="note">No labeled node was held out, so nothing can be said.</p>'
    if network.task == "regression":
        train = predictor.split.train.numpy()
        values = {"train": network.y.numpy()[train].astype(float), "test": y.astype(float)}
        said = {"train": predictor.predictions[train, 0], "test": predicted[:, 0]}
        errors = said["test"] - values["test"]
        half = float(np.median(np.abs(errors)))
        cards = [
            html.card(common.parity_plot(values, said, ""), "On the line, prediction and label agree."),
            html.card(
                common.error_histogram(errors, "", f"{_PARTS[part]} nodes"),
                f"Half of the nodes are within ±{half:.3g}.",
            ),
        ]
        return f'<div class="pair">{"".join(cards)}</div>'
    if network.task == "multilabel":
        known = ~np.isnan(y)
        chances = predicted[known]
        confidence, right = np.maximum(chances, 1 - chances), (chances > 0.5) == (y[known] > 0.5)
    else:
        confidence, right = predicted.max(1), predicted.argmax(1) == y
    note = (
        f"On the line, {'nodes' if network.task == 'multiclass' else 'labels'} that are said to be right with a "
        "probability are right that often; orange lines are the gaps."
    )
    cards = [html.card(figures.reliability_plot(confidence, right), note)]
    if network.task == "multiclass":
        cards.insert(0, _confusion(network, np.array(measured["confusion"]), _PARTS[part]))
    return f'<div class="pair">{"".join(cards)}</div>'


def _confusion(network: Network, counts: NDArray[np.int64], part: str) -> str:
    """A table of what was taken for what; of more than twelve classes the commonest mistakes."""
    classes = network.classes
    if len(classes) > _MOST_CLASSES:
        wrong = counts.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_CLASSES]
        rows = [(int(place) // len(classes), int(place) % len(classes)) for place in order]
        lines = ["<table>", html.row("th", ["labeled", "predicted", "nodes"])]
        lines += [
            html.row("td", [escape(classes[one]), escape(classes[other]), str(wrong[one, other])])
            for one, other in rows
            if wrong[one, other]
        ]
        note = f"The commonest mistakes among {counts.sum():,} {part} nodes of {len(classes)} classes."
    else:
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        lines = [
            '<table class="confusion">',
            html.row("th", ["label", *(escape(name) for name in classes)]),
        ]
        for place, name in enumerate(classes):
            cells = [f"<td>{escape(name)}</td>"]
            for other in range(len(classes)):
                right = ' class="right"' if place == other else ""
                tint = f"color-mix(in srgb, var(--accent) {60 * shares[place, other]:.0f}%, transparent)"
                cells.append(f'<td{right} style="background: {tint}">{counts[place, other]:,}</td>')
            lines.append(f"<tr>{''.join(cells)}</tr>")
        note = f"{counts.sum():,} {part} nodes: a row for each label, a column for what was predicted."
    return f'<div class="card start scroll">{"".join([*lines, "</table>"])}<p class="note">{escape(note)}</p></div>'


def _training(measured: Mapping[str, Any]) -> str:
    from graphattn.tasks.common import figures as common
    from graphattn.tasks.network import figures

    curves = measured["curves"]
    kept = [_kept(curve) for curve in curves]
    label = METRIC_LABELS[measured["metric"]]
    cards = [
        html.card(common.learning_curve(curves, kept), "A dot marks the epoch whose weights are kept."),
        html.card(figures.score_plot(curves, label), f"The epoch with the best validation {label} is kept."),
    ]
    trials = measured["trials"]
    if trials:
        lines = ["<table>", html.row("th", [f"best of {len(trials)} recipes", "layers", f"validation {label}"])]
        lines += [html.row("td", _trial(trial)) for trial in trials[:_MOST_TRIALS]]
        cards.append(f'<div class="card scroll start">{"".join([*lines, "</table>"])}</div>')
    return "\n".join(cards)


def _kept(curve: Sequence[Mapping[str, float]]) -> int:
    """The place of the epoch whose weights were kept."""
    return max(range(len(curve)), key=lambda at: (curve[at]["valid_score"], -curve[at]["valid_loss"]))


def _trial(trial: Mapping[str, Any]) -> list[str]:
    config = trial["config"]
    said = (
        f"{config['conv']}{', own features apart' if config['sep'] else ''}, {config['norm']} norm, lr {config['lr']:g}"
    )
    return [escape(said), f"{config['depth']} × {config['hidden_dim']}", fixed(trial["score"])]


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


def _facts(measured: Mapping[str, Any]) -> str:
    recipe = measured["recipes"][0]
    pairs = [
        (
            "Best network",
            f"{recipe['depth']} layers of {recipe['conv']} attention, {recipe['hidden_dim']} wide with "
            f"{recipe['num_heads']} heads{', own features apart' if recipe['sep'] else ''}, {recipe['norm']} norm",
        ),
        (
            "Training",
            f"Adam at {recipe['lr']:g}, weight decay {recipe['weight_decay']:g}, dropout {recipe['dropout']:g}, at "
            f"most {recipe['epochs']} epochs (took {len(measured['curves'][0])} validations)",
        ),
        ("Search", f"{len(measured['trials'])} recipes" if measured["trials"] else "none"),
        ("Unlike the training nodes", f"{measured['unlike_training']:,} nodes"),
    ]
    return html.definitions(pairs, kind="facts")


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


def _best(values: Sequence[float | None], higher: bool) -> float | None:
    pick: Callable[[list[float]], float] = max if higher else min
    known = [value for value in values if not _missing(value)]
    return pick(known) if known else None  # type: ignore[arg-type]


def _missing(value: float | None) -> bool:
    return value is None or math.isnan(value)
