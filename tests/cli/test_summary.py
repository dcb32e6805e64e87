import io
from types import SimpleNamespace

from rich.console import Console

from graphattn.cli.summary import members_table, metrics_table


def shown(metrics, targets=("y",), task="regression", unit="kcal/mol"):
    fitted = SimpleNamespace(
        task=task, metrics=metrics, target_columns=list(targets), data={"unit": unit, "parts": {"test": 7}}
    )
    console = Console(file=io.StringIO(), width=80)
    console.print(metrics_table(fitted))
    return console.file.getvalue()


def test_the_model_beside_its_rivals():
    rival = {"rmse": 2.0, "mae": 1.0, "r2": None}
    text = shown({"test": {"rmse": 1.0, "mae": 1.5, "r2": float("nan")}, "baselines": {"random_forest": rival}})
    assert "7 test molecules, kcal/mol" in text
    model, forest = (next(line for line in text.splitlines() if name in line) for name in ("graphattn", "forest"))
    assert [cell.strip() for cell in model.split("│")[2:5]] == ["1.000", "1.500", "–"]
    assert [cell.strip() for cell in forest.split("│")[2:5]] == ["2.000", "1.000", "–"]


def test_several_targets_are_means():
    metrics = {"test": dict.fromkeys(("roc_auc", "average_precision", "accuracy"), 0.5)}
    text = shown(metrics, ("a", "b"), "classification", None)
    assert "means over 2 targets" in text
    assert "ROC AUC" in text


def test_the_members_and_their_weights():
    tested = {"rmse": 1.0, "mae": 0.5, "r2": 0.25}
    members = {"network": {"weight": 0.75, "test": tested}, "forest": {"weight": 0.25, "test": tested}}
    fitted = SimpleNamespace(task="regression", metrics={"members": members}, target_columns=["y"])
    console = Console(file=io.StringIO(), width=80)
    console.print(members_table(fitted))
    line = next(line for line in console.file.getvalue().splitlines() if "graph network" in line)
    assert [cell.strip() for cell in line.split("│")[1:6]] == ["graph network", "0.75", "1.000", "0.500", "0.250"]
    fitted.metrics["members"] = {"network": {"weight": 1.0, "test": tested}}
    assert members_table(fitted) is None
