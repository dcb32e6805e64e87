import csv
import json
from dataclasses import replace

from rich.console import Console

from graphattn.tasks.common.table import read_table
from graphattn.tasks.molecule.experiment import run_experiment


def test_everything_is_in_the_directory(frame, tmp_path, model_config, training_config):
    table = frame.copy()
    table.loc[3, "smiles"] = "broken("
    predictor = run_experiment(
        read_table(table),
        tmp_path,
        model=model_config,
        training=replace(training_config, epochs=1),
        console=Console(quiet=True),
        target_columns=["logS"],
        split="random",
    )
    names = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert names == {
        "model.json",
        "metrics.json",
        "run.json",
        "network-1.safetensors",
        "network-2.safetensors",
        "trust.safetensors",
        "predictions.csv",
        "rejects.csv",
        "report.html",
    }
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    trust = {"intervals", "beyond_training"}
    assert set(metrics) == {"test", "valid", "out_of_fold", "members", "baselines"} | trust
    assert set(metrics["baselines"]) == {"mean", "random_forest", "gradient_boosting"}
    assert all(set(rival) == {"rmse", "mae", "r2"} for rival in metrics["baselines"].values())

    with (tmp_path / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    test = predictor.fitted.split.test
    assert [row["smiles"].strip() for row in rows] == [predictor.outcome.rows.smiles[molecule] for molecule in test]
    error = [float(row["logS_predicted"]) - float(row["logS"]) for row in rows]
    assert abs((sum(e * e for e in error) / len(error)) ** 0.5 - metrics["test"]["rmse"]) < 1e-4
