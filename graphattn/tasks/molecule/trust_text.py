"""What is said of a model's intervals, probabilities and far molecules, on the terminal and in the report."""

from __future__ import annotations

from graphattn.tasks.common.formatting import fixed
from graphattn.tasks.common.spread import describe_spread
from graphattn.tasks.molecule.intervals import describe_coverage
from graphattn.tasks.molecule.records import Fitted


def trust_lines(fitted: Fitted) -> list[str]:
    """Return sentences about how far the predictions of the test part can be trusted."""
    metrics, columns = fitted.metrics, fitted.target_columns
    several = len(columns) > 1
    lines = [
        describe_coverage(found, column if several else "", fitted.data.get("unit"))
        for column, found in metrics.get("intervals", {}).items()
    ]
    lines += [
        f"Probabilities{f' of {column!r}' if several else ''} are calibrated (temperature {found['temperature']:.2f}): "
        f"Brier score {fixed(found['brier'])}, before {fixed(found['brier_uncalibrated'])}."
        for column, found in metrics.get("calibration", {}).items()
        if found["temperature"] != 1
    ]
    beyond, count = metrics.get("beyond_training", 0), fitted.data["parts"]["test"]
    if beyond:
        are = "are" if beyond > 1 else "is"
        lines.append(f"{beyond} of {count} test molecules {are} beyond what was trained on; see the column remark.")
    if not metrics.get("intervals"):
        lines.append(describe_spread(len(fitted.weights), fitted.data.get("within_std")))
    return [line for line in lines if line]
