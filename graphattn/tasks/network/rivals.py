"""Simpler methods, fitted: what they keep, how they predict, and how they are written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from graphattn.tasks.network.evidence import Evidence

Array = NDArray[np.float64]


class Rival(Protocol):
    """A fitted method that predicts all nodes of a network."""

    def predict(self, evidence: Evidence, known: NDArray[Any]) -> Array:
        """Return probabilities `[N, C]` or values `[N, 1]`.

        Args:
            evidence: of the nodes.
            known: the labels that were learned from, of these nodes; −1 or NaN where there is none.
        """

    def to_state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return a JSON object, and arrays; `rival_of` reads them back."""


def rival_of(state: Mapping[str, Any], arrays: Mapping[str, Array]) -> Rival:
    """Read what a rival's `to_state` wrote."""
    kind = state["kind"]
    if kind == "constant":
        return Constant(arrays["values"])
    if kind == "propagation":
        return Propagation(state["task"], arrays["prior"])
    if kind == "layers":
        pairs = [(arrays[f"weight{number}"], arrays[f"bias{number}"]) for number in range(state["count"])]
        return Layers(state["task"], pairs)
    return Boosting(state["task"], state["num_outputs"], state["present"], state["trees"])


@dataclass(frozen=True)
class Constant:
    """Says the same of each node: the shares of the classes in the training part, or its mean."""

    values: Array

    def predict(self, evidence: Evidence, known: NDArray[Any]) -> Array:
        """See `Rival`."""
        return np.tile(self.values, (evidence.own.shape[0], 1))

    def to_state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """See `Rival`."""
        return {"kind": "constant"}, {"values": self.values}


@dataclass(frozen=True)
class Propagation:
    """Spreads the known labels along the edges, which it takes to lead both ways.

        F ← α D⁻¹ A F + (1 − α) Y   50 times, α = 0.9, of labels Y and of where they are known; the quotient predicts

    Where no known label is within reach the prior does. Zhou et al. 2003, "Learning with local and global consistency".
    """

    task: str
    prior: Array

    def predict(self, evidence: Evidence, known: NDArray[Any]) -> Array:
        """See `Rival`."""
        values = targets_of(self.task, known, len(self.prior))
        there = ~np.isnan(values)
        degree = evidence.both.sum(axis=1)
        walk = sp.diags_array(1 / np.maximum(degree, 1)) @ evidence.both
        start = np.concatenate([np.where(there, values, 0.0), there.astype(np.float64)], axis=1)
        spread = start
        for _ in range(50):
            spread = 0.9 * (walk @ spread) + 0.1 * start
        count = len(self.prior)
        reached = spread[:, count:]
        slight = 1e-9  # of the prior, which decides where nothing came
        return (spread[:, :count] + slight * self.prior) / (reached + slight)

    def to_state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """See `Rival`."""
        return {"kind": "propagation", "task": self.task}, {"prior": self.prior}


@dataclass(frozen=True)
class Layers:
    """Linear maps of a node's own features with ReLU between them: a linear model, or an MLP."""

    task: str
    layers: list[tuple[Array, Array]]

    def predict(self, evidence: Evidence, known: NDArray[Any]) -> Array:
        """See `Rival`."""
        h = evidence.own
        for number, (weight, bias) in enumerate(self.layers):
            h = (np.maximum(h, 0.0) if number else h) @ weight + bias
        if self.task == "multiclass":
            powers = np.exp(h - h.max(axis=1, keepdims=True))
            return powers / powers.sum(axis=1, keepdims=True)
        return 0.5 * (1 + np.tanh(h / 2)) if self.task == "multilabel" else h

    def to_state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """See `Rival`."""
        arrays: dict[str, Array] = {}
        for number, (weight, bias) in enumerate(self.layers):
            arrays |= {f"weight{number}": weight, f"bias{number}": bias}
        return {"kind": "layers", "task": self.task, "count": len(self.layers)}, arrays


@dataclass(frozen=True)
class Boosting:
    """Gradient boosted trees of LightGBM, kept as the text in which LightGBM writes them."""

    task: str
    num_outputs: int
    present: list[int]
    trees: list[str]

    def predict(self, evidence: Evidence, known: NDArray[Any]) -> Array:
        """See `Rival`."""
        import lightgbm

        wide = evidence.wide.astype(np.float64)
        each = [np.asarray(lightgbm.Booster(model_str=text).predict(wide, num_threads=1)) for text in self.trees]
        if self.task != "multiclass":
            return np.stack(each, axis=1)
        out = np.zeros((wide.shape[0], self.num_outputs))
        out[:, self.present] = each[0] if each[0].ndim == 2 else np.stack([1 - each[0], each[0]], axis=1)
        return out

    def to_state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """See `Rival`."""
        state = {"kind": "boosting", "task": self.task, "num_outputs": self.num_outputs}
        return state | {"present": self.present, "trees": self.trees}, {}


def targets_of(task: str, y: NDArray[Any], num_outputs: int) -> Array:
    """Return labels as numbers, `[n, C]`, NaN where unknown."""
    if task == "multilabel":
        return y.astype(np.float64)
    if task == "regression":
        return y.astype(np.float64)[:, None]
    values = np.full((len(y), num_outputs), np.nan)
    known = y >= 0
    values[known] = np.eye(num_outputs)[y[known]]
    return values
