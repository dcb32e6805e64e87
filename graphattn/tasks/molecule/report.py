"""A report of one training: a single HTML page that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from graphattn.chem import draw_molecule
from graphattn.files import write_text
from graphattn.tasks.common import figures, html
from graphattn.tasks.common.formatting import fixed
from graphattn.tasks.molecule.bootstrap import interval, resampled
from graphattn.tasks.molecule.intervals import LEVEL
from graphattn.tasks.molecule.metrics import evaluate
from graphattn.tasks.molecule.predictor import MoleculePredictor
from graphattn.tasks.molecule.probabilities import reliability
from graphattn.tasks.molecule.records import Fitted, Outcome
from graphattn.tasks.molecule.report_members import members_table
from graphattn.tasks.molecule.task import METRIC_LABELS, RIVALS, lower_is_better, metric_names
from graphattn.tasks.molecule.trust_text import trust_lines

Array = NDArray[np.float64]

_WORST, _BEST = 8, 4
_PLOTTED_TARGETS = 6
_CONFLICTS = 50
_SPLITS = {
    "scaffold": "The test molecules were set apart by scaffold: none of their scaffolds (rings and what links them) "
    "is in the training part, so the numbers say what to expect of new chemistry.",
    "random": "The test molecules were drawn at random: close relatives of them are in the training part, so the "
    "numbers say what to expect of molecules like those, not of new chemistry.",
    "stratified": "The test molecules were drawn at random within ranges or classes of the target: close relatives of "
    "them are in the training part, so the numbers say what to expect of molecules like those, not of new chemistry.",
    "time": "The test molecules are the latest: the numbers say what to expect of those that come next.",
    "given": "The table, or the caller, said which molecules test.",
}


def write_report(path: Path, predictor: MoleculePredictor) -> None:
    """Write the report of a predictor that was just fitted, its rivals' metrics included if there are any."""
    fitted, outcome = predictor.fitted, predictor.outcome
    if fitted is None or outcome is None:
        raise ValueError("the report needs a predictor that was fitted here; a loaded one knows no molecules")
    template = Template((files("graphattn.tasks.molecule") / "report.html").read_text(encoding="utf-8"))
    page = template.substitute(
        style=html.style(),
        title=escape(", ".join(fitted.target_columns[:3]) + (", …" if len(fitted.target_columns) > 3 else "")),
        subtitle=escape(_subtitle(fitted)),
        tiles=_tiles(fitted, outcome),
        comparison=_comparison(fitted),
        comparison_note=escape(_comparison_note(fitted)),
        figures=_figures(fitted, outcome),
        molecules=_molecules(fitted, outcome),
        conflicts=_conflicts(fitted, outcome),
        facts=_facts(predictor, fitted, outcome),
        footer=escape(", ".join(f"{name} {version}" for name, version in fitted.versions.items())),
    )
    write_text(path, page)


def _subtitle(fitted: Fitted) -> str:
    data = fitted.data
    unit = f", {data['unit']}" if data["unit"] else ""
    return f"{fitted.task.capitalize()}{unit} · {data['molecules']:,} molecules of {Path(data['source']).name}"


def _tiles(fitted: Fitted, outcome: Outcome) -> str:
    """Return the metrics of the test part in large type, with an interval, and the best rival."""
    names, metrics = metric_names(fitted.task, len(fitted.target_columns)), fitted.metrics["test"]
    low, high = _interval(fitted, outcome, names[0])
    tiles = []
    for name in names:
        note = f"test {METRIC_LABELS[name]}"
        if name == names[0] and not math.isnan(low):
            note += f", 95 % interval {fixed(low, 2)} to {fixed(high, 2)}"
        tiles.append((fixed(metrics[name]), note, name == names[0]))
    rivals = fitted.metrics.get("baselines", {})
    known = [(rivals[name][names[0]], label) for name, label in RIVALS.items() if name in rivals]
    known = [(value, label) for value, label in known if value is not None and not math.isnan(value)]
    if known:
        value, label = (min if lower_is_better(names[0]) else max)(known)
        tiles.append((fixed(value), f"{METRIC_LABELS[names[0]]} of the best simpler model, the {label}", False))
    return "\n".join(
        f'<div class="card tile{" main" if first else ""}"><b>{value}</b><span>{escape(note)}</span></div>'
        for value, note, first in tiles
    )


def _interval(fitted: Fitted, outcome: Outcome, metric: str) -> tuple[float, float]:
    """Return where the metric falls in 95 % of resamples of the test molecules (bootstrap, percentiles)."""
    test = fitted.split.test
    predicted, measured = outcome.prediction.mean[test], outcome.rows.targets[test]
    if len(test) < 2:
        return math.nan, math.nan

    def measure(drawn: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array(evaluate(fitted.task, predicted[drawn], measured[drawn])[metric])

    return interval(resampled(measure, len(test)))


def _comparison(fitted: Fitted) -> str:
    names = metric_names(fitted.task, len(fitted.target_columns))
    rows: list[tuple[str, Mapping[str, Any]]] = [("graphattn", fitted.metrics["test"])]
    rivals = fitted.metrics.get("baselines", {})
    rows += [(label, rivals[name]) for name, label in RIVALS.items() if name in rivals]
    best = {name: _best([metrics[name] for _, metrics in rows], lower_is_better(name)) for name in names}
    if best[names[0]] is None:  # then the others tell nothing either: of one class, everything can be right
        best = dict.fromkeys(names)
    lines = ["<table>", html.row("th", ["on the test part", *(METRIC_LABELS[name] for name in names)])]
    for label, metrics in rows:
        cells = [f"<td>{escape(label)}</td>"]
        for name in names:
            mark = ' class="best"' if metrics[name] is not None and metrics[name] == best[name] else ""
            cells.append(f"<td{mark}>{fixed(metrics[name])}</td>")
        kind = ' class="model"' if label == "graphattn" else ""
        lines.append(f"<tr{kind}>{''.join(cells)}</tr>")
    return "\n".join([*lines, "</table>", members_table(fitted), _per_target(fitted)])


def _per_target(fitted: Fitted) -> str:
    """Return a table of the model's metrics for each target, where there are several."""
    each = fitted.metrics["test"].get("per_target")
    if not each:
        return ""
    names = metric_names(fitted.task)
    lines = ["<table>", html.row("th", ["graphattn, each target", *(METRIC_LABELS[name] for name in names)])]
    lines += [
        html.row("td", [escape(target), *(fixed(metrics[name]) for name in names)]) for target, metrics in each.items()
    ]
    return "\n".join([*lines, "</table>"])


def _comparison_note(fitted: Fitted) -> str:
    network = len(fitted.weights)
    members = "one network" if network == 1 else f"{network} networks, averaged"
    if fitted.stack is not None and fitted.stack.members:
        members += f", and {len(fitted.stack.members)} quick models, by the weights shown"
    inputs = "the molecular graph and RDKit's 2D descriptors" if fitted.featurizer.descriptors else "the graph alone"
    weighed = (
        " The weights come from predictions of molecules of training and validation by models that had not learned "
        "from them (out of fold); the test part took no part in it."
        if len(fitted.metrics.get("members", {})) > 1
        else ""
    )
    several = " Means over the targets." if len(fitted.target_columns) > 1 else ""
    return (
        f"All on the same {fitted.data['parts']['test']} test molecules. graphattn: {members}, from {inputs}. The "
        f"forest and the boosted trees: from RDKit's 2D descriptors, with fixed settings.{weighed}{several}"
    ) + "".join(f" {note}" for note in (*trust_lines(fitted), *_notes(fitted)))


def _notes(fitted: Fitted) -> list[str]:
    """Return what was decided about the data, and what weakens the numbers, as sentences."""
    return [f"{note[0].upper()}{note[1:]}" for note in fitted.data["notes"]]


def _figures(fitted: Fitted, outcome: Outcome) -> str:
    targets = fitted.target_columns[:_PLOTTED_TARGETS]
    blocks = []
    for column, target in enumerate(targets):
        heading = escape(target) if len(fitted.target_columns) > 1 else "Predictions of the test molecules"
        pair = _regression_pair if fitted.task == "regression" else _classification_pair
        blocks.append(f'<h2>{heading}</h2>\n<div class="pair">{pair(fitted, outcome, column)}</div>')
    if len(targets) < len(fitted.target_columns):
        blocks.append(
            f'<p class="note">The first {len(targets)} of {len(fitted.target_columns)} targets are drawn.</p>'
        )
    curve = figures.learning_curve(fitted.histories)
    scale = "squared error of values scaled to unit variance" if fitted.task == "regression" else "cross entropy"
    note = (
        f"Loss after each epoch ({scale}), one pair of lines a network; the dot marks the epoch that was kept. The "
        "training loss is measured under dropout. The fold left out decided when to stop, so its numbers are a little "
        "flattering; "
        "the test part took no part in any decision."
    )
    blocks.append(f'<h2>Learning</h2>\n<div class="pair">{html.card(curve, note)}{_parts_card(fitted)}</div>')
    return "\n".join(blocks)


def _regression_pair(fitted: Fitted, outcome: Outcome, column: int) -> str:
    unit = fitted.data["unit"] or ""
    measured, predicted = {}, {}
    for part in ("train", "test"):
        rows = _known(fitted, outcome, part, column)
        measured[part] = outcome.rows.targets[rows, column]
        predicted[part] = outcome.prediction.mean[rows, column]
    if not len(measured["test"]):
        return '<p class="note">No test molecule has a value.</p>'
    errors = predicted["test"] - measured["test"]
    half = float(np.median(np.abs(errors)))
    intervals = _intervals(outcome, _known(fitted, outcome, "test", column), column)
    note = "On the line, prediction and measurement agree."
    if intervals is not None:
        note += f" The thin lines are {LEVEL:.0%} intervals: nine in ten should reach it."
    return html.card(figures.parity_plot(measured, predicted, unit, intervals), note) + html.card(
        figures.error_histogram(errors, unit), f"Half of the test molecules are within ±{half:.2f}."
    )


def _classification_pair(fitted: Fitted, outcome: Outcome, column: int) -> str:
    rows = _known(fitted, outcome, "test", column)
    classes, probabilities = outcome.rows.targets[rows, column], outcome.prediction.mean[rows, column]
    if len(np.unique(classes)) < 2:
        return '<p class="note">The test part has one class only, so there is no curve to draw.</p>'
    false, true, _ = roc_curve(classes, probabilities)
    auc = evaluate("classification", probabilities[:, None], classes[:, None])["roc_auc"]
    return (
        html.card(figures.roc_plot({f"area {auc:.3f}": (false, true)}), "A guess follows the diagonal.")
        + html.card(
            figures.probability_histogram(probabilities, classes, fitted.classes[column]),
            "The farther apart the two colors, the better the classes are told apart.",
        )
        + html.card(
            figures.reliability_plot(*reliability(probabilities, classes), fitted.classes[column][1]),
            "On the line, probabilities are shares: of the molecules with 0.8, four in five are of that class. The "
            "upright lines say how far chance may move a point (95 %).",
        )
    )


def _intervals(outcome: Outcome, rows: NDArray[np.int64], column: int) -> tuple[Array, Array] | None:
    """Return the ends of the intervals of some molecules, None where there are none."""
    low, high = outcome.prediction.low, outcome.prediction.high
    if low is None or high is None or np.isnan(low[rows, column]).all():
        return None
    return low[rows, column], high[rows, column]


def _parts_card(fitted: Fitted) -> str:
    names = metric_names(fitted.task, len(fitted.target_columns))
    lines = ["<table>", html.row("th", ["part", "molecules", *(METRIC_LABELS[name] for name in names)])]
    sizes = fitted.data["parts"]
    parts = [("validation, out of fold", sizes["valid"], "valid"), ("test", sizes["test"], "test")]
    if len(fitted.weights) > 1:
        parts.insert(0, ("training and validation, out of fold", sizes["train"] + sizes["valid"], "out_of_fold"))
    for label, size, part in parts:
        metrics = fitted.metrics[part]
        cells = [label, f"{size:,}", *(fixed(metrics[name]) for name in names)]
        lines.append(html.row("td", cells))
    trained = (
        "Each network learned from the molecules of training and validation but one fold"
        if len(fitted.weights) > 1
        else f"{sizes['train']:,} molecules trained the network"
    )
    note = f"{trained}. {_SPLITS[fitted.data['split']]}"
    return f'<div class="card start">{"".join([*lines, "</table>"])}<p class="note">{escape(note)}</p></div>'


def _molecules(fitted: Fitted, outcome: Outcome) -> str:
    """Return the test molecules with the largest and the smallest errors, drawn."""
    known = [(row, column) for column in range(len(fitted.target_columns)) for row in fitted.split.test]
    known = [(row, column) for row, column in known if not math.isnan(outcome.rows.targets[row, column])]
    scale = fitted.target_scaler.std

    def error(place: tuple[int, int]) -> float:
        return abs(outcome.prediction.mean[place] - outcome.rows.targets[place]) / float(scale[place[1]])

    ranked = sorted(known, key=error, reverse=True)
    worst = ranked[: min(_WORST, len(ranked) // 2)]
    best = ranked[::-1][: min(_BEST, len(ranked) // 2)]
    blocks = []
    for heading, places in (("Largest errors", worst), ("Smallest errors", best)):
        cards = "\n".join(_molecule(fitted, outcome, *place) for place in places)
        if cards:
            blocks.append(f'<h2>{heading}</h2>\n<div class="molecules">{cards}</div>')
    return "\n".join(blocks)


def _conflicts(fitted: Fitted, outcome: Outcome) -> str:
    """Return a table of the molecules whose copies have different values; "" where there is none."""
    found = fitted.data["conflicts"]
    if not found:
        return ""
    lines = ["<table>", html.row("th", ["molecule", f"{outcome.rows.table.unit}s", "values"])]
    for each in found[:_CONFLICTS]:
        values = "; ".join(
            "/".join("–" if v is None else f"{v:g}" for v in copy).replace("-", "\N{MINUS SIGN}")
            for copy in each["values"]
        )
        lines.append(html.row("td", [escape(each["smiles"]), ", ".join(map(str, each["lines"])), values]))
    more = len(found) - _CONFLICTS
    rest = f'<p class="note">and {more} more, in model.json</p>' if more > 0 else ""
    return (
        f'<h2>Copies with different values</h2>\n<div class="card scroll">{"".join([*lines, "</table>"])}{rest}</div>'
    )


def _molecule(fitted: Fitted, outcome: Outcome, row: int, column: int) -> str:
    rows = outcome.rows
    digits = 2 if fitted.task == "regression" else 3
    predicted = fixed(outcome.prediction.mean[row, column], digits)
    pairs = [
        ("measured", _measured(fitted, rows.targets[row, column], column)),
        ("predicted" if fitted.task == "regression" else f"probability of {fitted.classes[column][1]}", predicted),
        (rows.table.unit, str(rows.table.lines[rows.rows[row]])),
    ]
    pairs[2:2] = _trust_pairs(fitted, outcome, row, column)
    if len(fitted.target_columns) > 1:
        pairs.insert(0, ("target", fitted.target_columns[column]))
    smiles = rows.smiles[row]
    return (
        f'<div class="card molecule"><div class="drawing">{draw_molecule(smiles, size=(260, 180))}</div>'
        f"{html.definitions(pairs)}<code>{escape(smiles)}</code></div>"
    )


def _trust_pairs(fitted: Fitted, outcome: Outcome, row: int, column: int) -> list[tuple[str, str]]:
    """Return what stands below a prediction: its interval, its nearest training molecule, what is beyond those."""
    pairs = []
    ends = _intervals(outcome, np.array([row]), column)
    if ends is not None:
        pairs.append((f"{LEVEL:.0%} interval", f"{fixed(ends[0][0], 2)} to {fixed(ends[1][0], 2)}"))
    nearest = outcome.prediction.nearest
    if nearest is not None and nearest.smiles[row]:
        value = nearest.measured[row, column]
        measured = "not measured" if math.isnan(value) else _measured(fitted, value, column)
        pairs.append(("nearest in training", f"{nearest.smiles[row]} (similarity {nearest.similarity[row]:.2f})"))
        pairs.append(("measured of that", measured))
        if nearest.remarks[row]:
            pairs.append(("beyond training", nearest.remarks[row]))
    return pairs


def _measured(fitted: Fitted, value: float, column: int) -> str:
    return fixed(value, 2) if fitted.task == "regression" else fitted.classes[column][int(value)]


def _facts(predictor: MoleculePredictor, fitted: Fitted, outcome: Outcome) -> str:
    data, model, training = fitted.data, predictor.model, predictor.training
    rejects = outcome.rows.rejects
    left_out = "no row was left out" if not rejects else f"{len(rejects)} rows left out, listed in rejects.csv"
    epochs = ", ".join(str(len(history)) for history in fitted.histories)
    parts = data["parts"]
    pairs = [
        ("Data", f"{data['source']}: {data['molecules']:,} molecules; {left_out}"),
        ("SMILES column", fitted.smiles_column),
        ("Target" if len(fitted.target_columns) == 1 else "Targets", ", ".join(fitted.target_columns)),
        ("Split", f"{data['split']}: {parts['train']:,} train, {parts['valid']:,} validation, {parts['test']:,} test"),
        (
            "Network",
            f"{model.depth} graph Transformer layers of width {model.embed_dim} with {model.num_heads} heads, "
            f"attention pooling; {sum(w.numel() for w in fitted.weights[0].values()):,} weights",
        ),
        (
            "Inputs",
            f"{len(fitted.featurizer.atoms)} atom features, {len(fitted.featurizer.bonds)} bond features, "
            f"{len(fitted.featurizer.descriptors) or 'no'} descriptors",
        ),
        (
            "Training",
            f"{len(fitted.weights)} × at most {training.epochs} epochs (took {epochs}), batches of "
            f"{training.batch_size}, AdamW at {training.lr:g}, seed {training.seed}",
        ),
    ]
    return html.definitions(pairs, kind="facts")


def _known(fitted: Fitted, outcome: Outcome, part: str, column: int) -> NDArray[np.int64]:
    """Return the molecules of a part that have a value of the target."""
    rows: NDArray[np.int64] = getattr(fitted.split, part)
    return rows[~np.isnan(outcome.rows.targets[rows, column])]


def _best(values: Sequence[float | None], lower: bool) -> float | None:
    pick: Callable[[list[float]], float] = min if lower else max
    known = [value for value in values if value is not None and not math.isnan(value)]
    return pick(known) if known else None
