"""From the predictions of several methods to one answer: each calibrated, the best of them or their blend chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.network.calibration import (
    apply_temperature,
    blend,
    blend_weights,
    calibration_error,
    cross_blended,
    fit_temperature,
)
from graphattn.tasks.network.metrics import evaluate, log_loss, score

Array = NDArray[np.float64]

BLEND = "blend"


@dataclass(frozen=True)
class Member:
    """What became of one method: its temperature, its weight in the answer, and how good it is."""

    name: str
    temperature: float
    weight: float
    valid: dict[str, float]
    test: dict[str, float]


@dataclass(frozen=True)
class Answer:
    """Who answers: weights of the members, which add up to 1, and what was measured.

    Attributes:
        chosen: the name of the method that answers, or "blend".
        why: a sentence for the user.
        members: all methods, and the blend last.
        valid: metrics of the answer on the validation nodes (of a blend, by weights found on the others of them).
        test: metrics of the answer on the test nodes.
        calibration: expected calibration error on the test nodes, or the validation nodes where there are none,
            before and after the temperatures.
    """

    chosen: str
    why: str
    members: list[Member]
    valid: dict[str, float]
    test: dict[str, float]
    calibration: dict[str, Any]

    def __call__(self, task: str, predictions: dict[str, Array]) -> Array:
        """Return the answer from the uncalibrated predictions of the members, by name."""
        used = [member for member in self.members if member.weight > 0 and member.name != BLEND]
        calibrated = [apply_temperature(task, predictions[member.name], member.temperature) for member in used]
        return blend(calibrated, np.array([member.weight for member in used]))


def find_answer(
    task: str,
    metric: str,
    predictions: dict[str, Array],
    y: NDArray[Any],
    valid: NDArray[np.bool_],
    test: NDArray[np.bool_],
    unit: str = "nodes",
) -> Answer:
    """Calibrate the members, and choose the best on the validation nodes or their blend; test nodes only measure.

    The blend is judged by predictions for validation nodes whose labels its weights did not see. It answers where its
    score is no lower than that of the best member, and its log loss lower.

    Args:
        task: "multiclass", "multilabel" or "regression".
        metric: the score.
        predictions: of all nodes by each member, by name: probabilities `[N, C]` or values `[N, 1]`.
        y: labels of all nodes.
        valid: the nodes that choose.
        test: the nodes that measure.
        unit: what is labeled, for the sentence: "nodes", "pairs" or "graphs".
    """
    names = list(predictions)
    here, there = y[valid], y[test]
    temperatures = [fit_temperature(task, predictions[name][valid], here) for name in names]
    on_valid = [
        apply_temperature(task, predictions[name][valid], temperature)
        for name, temperature in zip(names, temperatures, strict=True)
    ]
    on_test = [
        apply_temperature(task, predictions[name][test], temperature)
        for name, temperature in zip(names, temperatures, strict=True)
    ]
    ranks = [(score(task, metric, predicted, here), -log_loss(task, predicted, here)) for predicted in on_valid]
    best = max(range(len(names)), key=lambda place: ranks[place])
    mixed = cross_blended(task, on_valid, here)
    mixed_rank = (score(task, metric, mixed, here), -log_loss(task, mixed, here))
    blends = len(names) > 1 and mixed_rank[0] >= ranks[best][0] and mixed_rank[1] > ranks[best][1]
    weights = blend_weights(task, on_valid, here) if blends else np.eye(len(names))[best]
    members = [
        Member(name, temperature, float(weight), evaluate(task, one, here), evaluate(task, other, there))
        for name, temperature, weight, one, other in zip(names, temperatures, weights, on_valid, on_test, strict=True)
    ]
    mixture = blend_weights(task, on_valid, here)
    blend_test = evaluate(task, blend(on_test, mixture), there)
    members.append(Member(BLEND, 1.0, float(blends), evaluate(task, mixed, here), blend_test))
    chosen = members[-1] if blends else members[best]
    return Answer(
        chosen.name,
        _why(names, weights, blends, metric, chosen, f"{len(here)} validation {unit}"),
        members,
        chosen.valid,
        chosen.test,
        _calibration(task, predictions, weights, names, on_valid, on_test, y, valid, test),
    )


def _calibration(
    task: str,
    predictions: dict[str, Array],
    weights: Array,
    names: Sequence[str],
    on_valid: Sequence[Array],
    on_test: Sequence[Array],
    y: NDArray[Any],
    valid: NDArray[np.bool_],
    test: NDArray[np.bool_],
) -> dict[str, Any]:
    measured, after = (test, on_test) if test.any() else (valid, on_valid)
    before = blend([predictions[name][measured] for name in names], weights)
    return {
        "measured_on": "test" if test.any() else "valid",
        "before": calibration_error(task, before, y[measured]),
        "after": calibration_error(task, blend(after, weights), y[measured]),
    }


def _why(names: Sequence[str], weights: Array, blends: bool, metric: str, chosen: Member, by: str) -> str:
    value = f"{metric} {chosen.valid[metric]:.4f} on {by}"
    if not blends:
        return f"{chosen.name} answers: the best by {value}."
    parts = [f"{weight:.0%} {name}" for name, weight in zip(names, weights, strict=True) if weight > 0]
    return f"A blend answers ({', '.join(parts)}): the best by {value}."
