"""Blocks of a report that nodes, pairs and graphs have in common: who answers, how sure, how it was trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.common import html
from graphattn.tasks.common.formatting import fixed
from graphattn.tasks.network.config import kept_epoch
from graphattn.tasks.network.metrics import HIGHER_IS_BETTER, METRICS
from graphattn.tasks.network.network import ColumnRole, Network

if TYPE_CHECKING:
    from graphattn.tasks.network.base import Predictor

METRIC_LABELS = {
    "accuracy": "accuracy", "macro_f1": "macro-F1", "roc_auc": "ROC-AUC", "r2": "R²", "rmse": "RMSE", "mae": "MAE",
}  # fmt: skip

METHOD_LABELS = {
    "network": "attention network",
    "majority": "majority",
    "label_propagation": "label propagation",
    "smoothed_network": "attention network, smoothed",
    "common_neighbors": "common neighbors",
    "adamic_adar": "Adamic–Adar",
    "preferential_attachment": "preferential attachment",
    "logistic_regression": "logistic regression",
    "mlp": "MLP",
    "boosting": "gradient boosting",
    "blend": "blend of these",
}

MOST_CLASSES, _MOST_COLUMNS, _MOST_TRIALS = 12, 12, 8

_SEEN = {
    "nodes": "Boosting sees a node's features, their mean, largest and smallest among its neighbors, and its place in "
    "the "
    "network.",
    "pairs": "Boosting sees common neighbors and other facts about the edges around, and both nodes' features.",
    "graphs": "Boosting sees mean, largest and smallest of the nodes' features and places, and the size of the graph.",
}
PARTS = {"test": "test", "valid": "validation"}


def method_label(name: str) -> str:
    """Return what a method is called in tables."""
    return METHOD_LABELS.get(name) or name.replace("network_", "attention network ")


def answer_sentence(measured: Mapping[str, Any]) -> str:
    """Say who answers, and by what it was chosen."""
    label = METRIC_LABELS[measured["metric"]]
    value, count = fixed(measured["valid"][measured["metric"]]), measured["split"]["valid"]
    if measured["answer"] != "blend":
        name = method_label(measured["answer"])
        return f"Answer: {name}, the best by {label} {value} on {count:,} validation {measured['unit']}."
    weights = [member for member in measured["members"] if member["weight"] > 0.005 and member["name"] != "blend"]
    who = ", ".join(f"{member['weight']:.0%} {method_label(member['name'])}" for member in weights)
    return f"Answer: a blend ({who}), the best by {label} {value} on {count:,} validation {measured['unit']}."


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


def tiles(measured: Mapping[str, Any]) -> str:
    """The figures at the top."""
    part, count = measuring_part(measured)
    names = METRICS[measured["task"]]
    first = measured["metric"]
    tiles = [
        (fixed(measured[part][first]), f"{METRIC_LABELS[first]} on {count} {PARTS[part]} {measured['unit']}", True)
    ]
    tiles += [(fixed(measured[part][name]), METRIC_LABELS[name], False) for name in names if name != first]
    calibration, coverage = measured["calibration"], measured["coverage"]
    if not missing(calibration["after"]):
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


def measuring_part(measured: Mapping[str, Any]) -> tuple[str, int]:
    """The part that measures, and its nodes."""
    part = "test" if measured["split"]["test"] else "valid"
    return part, measured["split"][part]


def comparison(measured: Mapping[str, Any]) -> str:
    """The table of all methods."""
    part, _ = measuring_part(measured)
    names, metric = METRICS[measured["task"]], measured["metric"]
    heads = [
        "method",
        f"validation {METRIC_LABELS[metric]}",
        *(f"{PARTS[part]} {METRIC_LABELS[name]}" for name in names),
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


def comparison_note(measured: Mapping[str, Any]) -> str:
    """What the table means."""
    splits, unit = measured.get("splits"), measured["unit"]
    several = ""
    if splits:
        label = METRIC_LABELS[measured["metric"]]
        several = (
            f" Over {splits['count']} splits its test {label} is {fixed(splits['mean'])} ± "
            f"{fixed(splits['deviation'])} (mean and standard deviation)."
        )
    return (
        f"{answer_sentence(measured)} "
        f"The method that does best on the validation {unit} is chosen, shaded here; test {unit} have no part in the "
        f"choice. {_SEEN[unit]}{several}"
    )


def columns_block(network: Network) -> str:
    """The table of columns."""
    lines = ['<table class="left">', html.row("th", ["table", "column", "taken for", "because"])]
    lines += [html.row("td", [escape(cell) for cell in row]) for row in column_rows(network.columns)]
    return "\n".join([*lines, "</table>"])


def trust(predictor: Predictor, measured: Mapping[str, Any]) -> str:
    """Confusion and calibration, or errors of numbers."""
    from graphattn.tasks.common import figures as common
    from graphattn.tasks.network import figures

    items = predictor.items
    part, count = measuring_part(measured)
    unit = measured["unit"]
    chosen = getattr(predictor.split, part).numpy()
    predicted, y = predictor.predictions[chosen], items.y.numpy()[chosen]
    if count == 0:
        return f'<p class="note">No labeled {unit[:-1]} was held out, so nothing can be said.</p>'
    if items.task == "regression":
        train = predictor.split.train.numpy()
        values = {"train": items.y.numpy()[train].astype(float), "test": y.astype(float)}
        said = {"train": predictor.predictions[train, 0], "test": predicted[:, 0]}
        errors = said["test"] - values["test"]
        half = float(np.median(np.abs(errors)))
        cards = [
            html.card(common.parity_plot(values, said, ""), "On the line, prediction and label agree."),
            html.card(
                common.error_histogram(errors, "", f"{PARTS[part]} {unit}"),
                f"Half of the {unit} are within ±{half:.3g}.",
            ),
        ]
        return f'<div class="pair">{"".join(cards)}</div>'
    if items.task == "multilabel":
        known = ~np.isnan(y)
        chances = predicted[known]
        confidence, right = np.maximum(chances, 1 - chances), (chances > 0.5) == (y[known] > 0.5)
    else:
        confidence, right = predicted.max(1), predicted.argmax(1) == y
    note = (
        f"On the line, {unit if items.task == 'multiclass' else 'labels'} that are said to be right with a "
        "probability are right that often; orange lines are the gaps."
    )
    cards = [html.card(figures.reliability_plot(confidence, right), note)]
    if items.task == "multiclass":
        cards.insert(0, _confusion(items, np.array(measured["confusion"]), f"{PARTS[part]} {unit}"))
    return f'<div class="pair">{"".join(cards)}</div>'


def _confusion(network: Network, counts: NDArray[np.int64], part: str) -> str:
    """A table of what was taken for what; of more than twelve classes the commonest mistakes."""
    classes = network.classes
    if len(classes) > MOST_CLASSES:
        wrong = counts.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CLASSES]
        rows = [(int(place) // len(classes), int(place) % len(classes)) for place in order]
        lines = ["<table>", html.row("th", ["labeled", "predicted", "how many"])]
        lines += [
            html.row("td", [escape(classes[one]), escape(classes[other]), str(wrong[one, other])])
            for one, other in rows
            if wrong[one, other]
        ]
        note = f"The commonest mistakes among {counts.sum():,} {part} of {len(classes)} classes."
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
        note = f"{counts.sum():,} {part}: a row for each label, a column for what was predicted."
    return f'<div class="card start scroll">{"".join([*lines, "</table>"])}<p class="note">{escape(note)}</p></div>'


def training(measured: Mapping[str, Any]) -> str:
    """Learning curves, and the best recipes of a search."""
    from graphattn.tasks.common import figures as common
    from graphattn.tasks.network import figures

    curves, unit = measured["curves"], measured["unit"]
    kept = [
        kept_epoch(curve, recipe.get("keep", "score"))
        for curve, recipe in zip(curves, measured["recipes"], strict=True)
    ]
    label = METRIC_LABELS[measured["metric"]]
    cards = [
        html.card(common.learning_curve(curves, kept), "A dot marks the epoch whose weights are kept."),
        html.card(figures.score_plot(curves, label), "That of the epochs on the left on validation " + unit + "."),
    ]
    trials = measured["trials"]
    if trials:
        lines = ["<table>", html.row("th", [f"best of {len(trials)} recipes", "layers", f"validation {label}"])]
        lines += [html.row("td", _trial(trial)) for trial in trials[:_MOST_TRIALS]]
        cards.append(f'<div class="card scroll start">{"".join([*lines, "</table>"])}</div>')
    return "\n".join(cards)


def _trial(trial: Mapping[str, Any]) -> list[str]:
    config = trial["config"]
    said = (
        f"{config['conv']}{', own features apart' if config['sep'] else ''}, {config['norm']} norm, lr {config['lr']:g}"
    )
    return [escape(said), f"{config['depth']} × {config['hidden_dim']}", fixed(trial["score"])]


def facts(measured: Mapping[str, Any]) -> str:
    """How the networks were made."""
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
        (f"Unlike the training {measured['unit']}", f"{measured['unlike_training']:,} {measured['unit']}"),
    ]
    return html.definitions(pairs, kind="facts")


def _best(values: Sequence[float | None], higher: bool) -> float | None:
    pick: Callable[[list[float]], float] = max if higher else min
    known = [value for value in values if not missing(value)]
    return pick(known) if known else None  # type: ignore[arg-type]


def missing(value: float | None) -> bool:
    """Whether a figure is not there, or not defined."""
    return value is None or math.isnan(value)
