"""All that was measured of a predictor, as plain values."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.network.findings import class_counts, homophily
from graphattn.tasks.network.metrics import confusion


def measure_all(predictor: Any) -> dict[str, Any]:
    """Return the answer, every method, calibration, coverage, homophily; see `NodeClassifier.evaluate`."""
    network, items, answer = predictor.network, predictor.items, predictor.answer
    valid, test = predictor.split.valid.numpy(), predictor.split.test.numpy()
    measured = test if test.any() else valid
    out: dict[str, Any] = {
        "unit": predictor.unit,
        "task": items.task,
        "target": items.target,
        "metric": predictor.metric,
        "nodes": len(network.ids),
        "edges": int(network.edge_index.shape[1]),
        "split": {name: int(part.sum()) for name, part in predictor.split._asdict().items()},
        "answer": answer.chosen,
        "why": answer.why,
        "valid": answer.valid,
        "test": answer.test,
        "members": [dataclasses.asdict(member) for member in answer.members],
        "calibration": answer.calibration,
        "coverage": _coverage(predictor, measured),
        "unlike_training": int((predictor.distance > 1).sum()),
        "classes": class_counts(items),
        **homophily(items),
        "recipes": [net.config.to_json() for net in predictor.networks],
        "curves": [net.curve for net in predictor.networks],
        "trials": [dataclasses.asdict(trial) for trial in predictor.trials],
        "notes": predictor.notes,
        "ranking": dict(predictor.ranking),
    }
    if items.task == "multiclass" and measured.any():
        out["confusion"] = confusion(predictor.predictions[measured], items.y.numpy()[measured]).tolist()
    return out


def _coverage(predictor: Any, measured: NDArray[np.bool_]) -> dict[str, float]:
    """Return the coverage asked for, that measured, and the mean number of labels in a set or width of an interval."""
    predicted, y = predictor.predictions[measured], predictor.items.y.numpy()[measured]
    asked = {"asked": predictor.conformal.coverage}
    if len(y) == 0:
        return asked
    if predictor.items.task == "regression":
        low, high = predictor.conformal.intervals(predicted).T
        return asked | {"measured": float(((y >= low) & (y <= high)).mean()), "size": float((high - low).mean())}
    inside = predictor.conformal.sets(predicted)
    if predictor.items.task == "multilabel":
        known = ~np.isnan(y)
        hit = np.where(y > 0.5, inside[..., 1], inside[..., 0])[known]
        return asked | {"measured": float(hit.mean()), "size": float(inside.sum(-1)[known].mean())}
    hit = inside[np.arange(len(y)), y]
    return asked | {"measured": float(hit.mean()), "size": float(inside.sum(1).mean())}
