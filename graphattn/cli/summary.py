"""Tables on the terminal: how good a model is, and what a model directory holds."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graphattn.cli.pairs import print_pairs
from graphattn.cli.program import program
from graphattn.tasks.common import model_directory
from graphattn.tasks.common.formatting import fixed
from graphattn.tasks.common.labels import ZERO_ONE
from graphattn.tasks.molecule.config import MEMBERS
from graphattn.tasks.molecule.predictor import MoleculePredictor
from graphattn.tasks.molecule.records import Fitted
from graphattn.tasks.molecule.task import METRIC_LABELS, RIVALS, lower_is_better, mean_weight, metric_names
from graphattn.tasks.molecule.trust_text import trust_lines

_EXAMPLE = "CC(=O)Oc1ccccc1C(=O)O"  # aspirin


def train_summary(console: Console, predictor: MoleculePredictor, directory: Path) -> None:
    """Print the model beside its rivals, where everything is, and what to type next."""
    assert predictor.fitted is not None
    console.print()
    _print_metrics(console, predictor.fitted)
    console.print()
    places = [
        ("model", f"{directory}/"),
        ("test predictions", str(directory / model_directory.PREDICTIONS)),
        ("report", str(directory / model_directory.REPORT)),
    ]
    if (directory / model_directory.REJECTS).exists():
        places.append(("rejected rows", str(directory / model_directory.REJECTS)))
    print_pairs(console, places)
    console.print()
    console.print("Next, with SMILES or a CSV file of your own:", highlight=False)
    command = shlex.join([program(), "predict", f"{directory}/", _EXAMPLE])
    console.print(f"  {command}", style="bold", markup=False, highlight=False, soft_wrap=True)


def info_summary(console: Console, predictor: MoleculePredictor, directory: Path) -> None:
    """Print what a model directory holds."""
    fitted = predictor.fitted
    assert fitted is not None
    data, model, training = fitted.data, predictor.model, predictor.training
    unit = f" [{data['unit']}]" if data.get("unit") else ""
    parts = data["parts"]
    parameters = sum(weight.numel() for weight in fitted.weights[0].values())
    inputs = f"{len(fitted.featurizer.atoms)} atom and {len(fitted.featurizer.bonds)} bond features"
    if fitted.featurizer.descriptors:
        inputs += f", {len(fitted.featurizer.descriptors)} descriptors"
    print_pairs(
        console,
        [
            ("model", f"{directory}/"),
            ("task", f"{fitted.task} of {', '.join(fitted.target_columns)}{unit}"),
            *(("classes", text) for text in _class_texts(fitted)),
            ("SMILES column", fitted.smiles_column),
            ("data", f"{data['source']}: {data['molecules']} molecules, {data['rejected']} rows left out"),
            ("split", f"{data['split']}: {parts['train']} train, {parts['valid']} valid, {parts['test']} test"),
            ("networks", f"{len(fitted.weights)} × {parameters:,} weights ({model.depth} layers of {model.embed_dim})"),
            ("inputs", inputs),
            ("epochs", ", ".join(str(len(history)) for history in fitted.histories) + f" of {training.epochs}"),
            ("seed", str(training.seed)),
            ("trained with", ", ".join(f"{name} {version}" for name, version in fitted.versions.items())),
            *(("note", note) for note in data.get("notes", [])),
        ],
    )
    console.print()
    _print_metrics(console, fitted)


def _print_metrics(console: Console, fitted: Fitted) -> None:
    """Print how good the model is, each target for itself, and how far that can be trusted."""
    console.print(metrics_table(fitted))
    each = target_table(fitted)
    if each is not None:
        console.print(each)
    members = members_table(fitted)
    if members is not None:
        console.print(members)
    verdict = better_rival(fitted)
    for line in filter(None, (verdict, *trust_lines(fitted))):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def metrics_table(fitted: Fitted) -> Table:
    """Return the metrics on the test part: the model's, then its rivals'; the best of each column is bold."""
    names = metric_names(fitted.task, len(fitted.target_columns))
    rows: list[tuple[str, Mapping[str, Any]]] = [("graphattn", fitted.metrics["test"])]
    rivals = fitted.metrics.get("baselines", {})
    rows += [(label, rivals[name]) for name, label in RIVALS.items() if name in rivals]
    unit = fitted.data.get("unit")
    count = fitted.data["parts"]["test"]
    table = Table(header_style="bold")
    table.add_column(f"{count} test molecules" + (f", {unit}" if unit else ""))
    for name in names:
        table.add_column(METRIC_LABELS[name], justify="right")
    best = {name: _best([metrics[name] for _, metrics in rows], lower_is_better(name)) for name in names}
    if best[names[0]] is None:  # then the others tell nothing either: of one class, everything can be right
        best = dict.fromkeys(names)
        table.caption = f"{METRIC_LABELS[names[0]]} is not defined for this test part, and the rest says little"
    elif len(fitted.target_columns) > 1:
        table.caption = f"means over {len(fitted.target_columns)} targets; each is in {model_directory.METRICS}"
    for label, metrics in rows:
        cells = [_cell(metrics[name], metrics[name] is not None and metrics[name] == best[name]) for name in names]
        table.add_row(label, *cells)
    table.caption_justify = "left"
    return table


def target_table(fitted: Fitted) -> Table | None:
    """Return the model's metrics for each of several targets, never averaged; None where there is one."""
    each = fitted.metrics["test"].get("per_target")
    if not each:
        return None
    names = metric_names(fitted.task)
    table = Table(header_style="bold")
    table.add_column("graphattn, each target")
    for name in names:
        table.add_column(METRIC_LABELS[name], justify="right")
    for target, metrics in each.items():
        table.add_row(escape(target), *(_cell(metrics[name], False) for name in names))
    return table


def members_table(fitted: Fitted) -> Table | None:
    """Return the weight and the metrics of each member of the stack; None where there is one."""
    members = fitted.metrics.get("members", {})
    if len(members) < 2:
        return None
    names = metric_names(fitted.task, len(fitted.target_columns))
    table = Table(header_style="bold")
    table.add_column("members of graphattn")
    table.add_column("weight", justify="right")
    for name in names:
        table.add_column(METRIC_LABELS[name], justify="right")
    for member, found in members.items():
        cells = [fixed(mean_weight(found["weight"]), 2), *(fixed(found["test"][name]) for name in names)]
        table.add_row(MEMBERS[member], *cells)
    if len(fitted.target_columns) > 1:
        table.caption = f"mean weights; those of each target are in {model_directory.METRICS}"
        table.caption_justify = "left"
    return table


def better_rival(fitted: Fitted) -> str:
    """Say which simpler model does better by the first metric; "" where none does."""
    name = metric_names(fitted.task, len(fitted.target_columns))[0]
    rivals = fitted.metrics.get("baselines", {})
    known = {label: rivals[rival][name] for rival, label in RIVALS.items() if rival in rivals}
    best = _best(list(known.values()), lower_is_better(name))
    own = fitted.metrics["test"][name]
    if best is None or own is None or math.isnan(own) or best == own or (best > own) == lower_is_better(name):
        return ""
    label = next(label for label, value in known.items() if value == best)
    return f"On these molecules the {label} does better: {METRIC_LABELS[name]} {fixed(best)} against {fixed(own)}."


def _class_texts(fitted: Fitted) -> list[str]:
    """Return what the classes of each target are called, where not 0 and 1."""
    return [
        f"{target}: class 0 is {first}, class 1 is {second}; probabilities are of {second}"
        for target, (first, second) in zip(fitted.target_columns, fitted.classes, strict=False)
        if (first, second) != ZERO_ONE
    ]


def _best(values: Sequence[float | None], lower: bool) -> float | None:
    known = [value for value in values if value is not None and not math.isnan(value)]
    return (min(known) if lower else max(known)) if known else None


def _cell(value: float | None, best: bool) -> str:
    return f"[bold]{fixed(value)}[/bold]" if best else fixed(value)
