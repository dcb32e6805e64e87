"""Tables on the terminal: how good a model is, and what a model directory holds."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from graphattn.cli.program import program
from graphattn.tasks.molecule import storage
from graphattn.tasks.molecule.predictor import Fitted, MoleculePredictor
from graphattn.tasks.molecule.task import METRIC_LABELS, RIVALS, lower_is_better, metric_names

_EXAMPLE = "CC(=O)Oc1ccccc1C(=O)O"  # aspirin


def train_summary(console: Console, predictor: MoleculePredictor, directory: Path) -> None:
    """Print the model beside its rivals, where everything is, and what to type next."""
    assert predictor.fitted is not None
    console.print()
    console.print(metrics_table(predictor.fitted))
    console.print()
    places = [
        ("model", f"{directory}/"),
        ("test predictions", str(directory / storage.PREDICTIONS)),
        ("report", str(directory / storage.REPORT)),
    ]
    if (directory / storage.REJECTS).exists():
        places.append(("rejected rows", str(directory / storage.REJECTS)))
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
            ("SMILES column", fitted.smiles_column),
            ("data", f"{data['source']}: {data['molecules']} molecules, {data['rejected']} rows left out"),
            ("split", f"{data['split']}: {parts['train']} train, {parts['valid']} valid, {parts['test']} test"),
            ("networks", f"{len(fitted.weights)} × {parameters:,} weights ({model.depth} layers of {model.embed_dim})"),
            ("inputs", inputs),
            ("epochs", ", ".join(str(len(history)) for history in fitted.histories) + f" of {training.epochs}"),
            ("seed", str(training.seed)),
            ("trained with", ", ".join(f"{name} {version}" for name, version in fitted.versions.items())),
        ],
    )
    console.print()
    console.print(metrics_table(fitted))


def metrics_table(fitted: Fitted) -> Table:
    """Return the metrics on the test part: the model's, then its rivals'; the best of each column is bold."""
    names = metric_names(fitted.task)
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
    for label, metrics in rows:
        cells = [_cell(metrics[name], metrics[name] == best[name]) for name in names]
        table.add_row(label, *cells)
    if len(fitted.target_columns) > 1:
        table.caption = f"means over {len(fitted.target_columns)} targets; each is in {storage.METRICS}"
        table.caption_justify = "left"
    return table


def _best(values: Sequence[float | None], lower: bool) -> float | None:
    known = [value for value in values if value is not None and not math.isnan(value)]
    return (min(known) if lower else max(known)) if known else None


def _cell(value: float | None, best: bool) -> str:
    if value is None or math.isnan(value):
        return "–"
    return f"[bold]{value:.3f}[/bold]" if best else f"{value:.3f}"


def print_pairs(console: Console, pairs: Sequence[tuple[str, str]]) -> None:
    """Print names and values in two columns."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        console.print(f"{name:{width}}  {value}", markup=False, highlight=False, soft_wrap=True)
