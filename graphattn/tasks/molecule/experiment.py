"""A whole experiment in one directory: the model, its rivals, its predictions and a report."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from graphattn.files import write_text
from graphattn.tasks.common import model_directory
from graphattn.tasks.common.table import Table
from graphattn.tasks.common.table_writer import cell_text
from graphattn.tasks.molecule.baselines import evaluate_baselines
from graphattn.tasks.molecule.config import ModelConfig, TrainingConfig
from graphattn.tasks.molecule.fitting import train
from graphattn.tasks.molecule.predictor import MoleculePredictor
from graphattn.tasks.molecule.report import write_report
from graphattn.tasks.molecule.saved import write_description
from graphattn.tasks.molecule.task import RIVALS


def run_experiment(
    table: Table,
    directory: Path,
    *,
    model: ModelConfig,
    training: TrainingConfig,
    console: Console,
    **settings: Any,
) -> MoleculePredictor:
    """Fit a predictor, fit its rivals on the same split, and write all there is to know to `directory`.

    Args:
        table: SMILES and values.
        directory: gets the model directory, `predictions.csv` (the test molecules), `rejects.csv` if rows were
            left out, and `report.html`.
        model: the shape of the networks.
        training: the recipe.
        console: where to show the progress.
        settings: those of `MoleculePredictor.fit`.
    """
    predictor = MoleculePredictor(model, training)
    fitted, outcome = train(table, model, training, directory=directory, console=console, rivals=True, **settings)
    predictor.fitted, predictor.outcome = fitted, outcome
    rows = outcome.rows
    baselines = {}
    learned = np.sort(np.concatenate([fitted.split.train, fitted.split.valid]))  # all that the stack learned from
    split = fitted.split._replace(train=learned)
    with console.status(f"fitting the {' and the '.join(RIVALS.values())}"):
        rivals = evaluate_baselines(
            fitted.task, outcome.descriptors, rows.targets, split, rows.target_columns, seed=training.seed
        )
        for name, metrics in rivals:
            baselines[name] = metrics
    fitted.metrics["baselines"] = baselines
    _write_predictions(directory / model_directory.PREDICTIONS, predictor)
    write_report(directory / model_directory.REPORT, predictor)
    write_description(directory, model, training, fitted)  # last: the directory is whole now
    return predictor


def _write_predictions(path: Path, predictor: MoleculePredictor) -> None:
    """Write the test molecules: their cells as they were, then the predictions."""
    fitted, outcome = predictor.fitted, predictor.outcome
    assert fitted is not None
    assert outcome is not None
    table = outcome.rows.table
    values = predictor.output_values(outcome.prediction)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([table.unit, *table.columns, *predictor.output_columns()])
    for molecule in fitted.split.test:
        row = outcome.rows.rows[molecule]
        writer.writerow([table.lines[row], *table.rows[row], *(cell_text(column[molecule]) for column in values)])
    write_text(path, buffer.getvalue())
