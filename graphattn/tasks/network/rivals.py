"""The rivals and colleagues of the networks: what simpler methods make of the same nodes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from graphattn.tasks.network.evidence import Evidence
from graphattn.tasks.network.metrics import log_loss

Array = NDArray[np.float64]

RIVALS = ("majority", "label_propagation", "logistic_regression", "mlp", "boosting")


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


def fit_rivals(
    evidence: Evidence,
    y: NDArray[Any],
    train: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    *,
    task: str,
    num_outputs: int,
    seed: int = 0,
    names: tuple[str, ...] = RIVALS,
) -> Iterator[tuple[str, Rival]]:
    """Fit each rival on the training nodes and yield its name and it.

    The validation nodes choose a logistic regression's penalty and the number of trees.

    Args:
        evidence: of all nodes.
        y: labels of all nodes.
        train: the nodes to learn from.
        valid: the nodes that choose.
        task: "multiclass", "multilabel" or "regression".
        num_outputs: number of classes, labels, or 1.
        seed: of the MLP and the trees.
        names: which ones.
    """
    kinds: dict[str, Callable[..., Rival]] = {
        "majority": _fit_majority,
        "label_propagation": _fit_propagation,
        "logistic_regression": _fit_logistic,
        "mlp": _fit_mlp,
        "boosting": _fit_boosting,
    }
    for name in names:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="sklearn")  # of classes seen once, and of steps that ran out
            warnings.filterwarnings("ignore", module="lightgbm")
            yield name, kinds[name](evidence, y, train, valid, task, num_outputs, seed)


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
        values = _targets(self.task, known, len(self.prior))
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


def _targets(task: str, y: NDArray[Any], num_outputs: int) -> Array:
    """Labels as numbers, `[n, C]`, NaN where unknown."""
    if task == "multilabel":
        return y.astype(np.float64)
    if task == "regression":
        return y.astype(np.float64)[:, None]
    values = np.full((len(y), num_outputs), np.nan)
    known = y >= 0
    values[known] = np.eye(num_outputs)[y[known]]
    return values


def _prior(y: NDArray[Any], train: NDArray[np.bool_], task: str, num_outputs: int) -> Array:
    values = _targets(task, y[train], num_outputs)
    there = ~np.isnan(values)
    return np.where(there, values, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)


def _fit_majority(evidence: Evidence, y: Any, train: Any, valid: Any, task: str, num_outputs: int, seed: int) -> Rival:
    return Constant(_prior(y, train, task, num_outputs))


def _fit_propagation(
    evidence: Evidence, y: Any, train: Any, valid: Any, task: str, num_outputs: int, seed: int
) -> Rival:
    return Propagation(task, _prior(y, train, task, num_outputs))


def _fit_logistic(evidence: Evidence, y: Any, train: Any, valid: Any, task: str, num_outputs: int, seed: int) -> Rival:
    from sklearn.linear_model import LogisticRegression, Ridge

    def layer(column: Any, penalty: float, classes: int) -> tuple[Array, Array]:
        known = train & ((column >= 0) if column.dtype.kind == "i" else ~np.isnan(column))
        if task == "regression":
            ridge = Ridge(alpha=1 / penalty).fit(evidence.own[known], column[known])
            return ridge.coef_[:, None], np.array([ridge.intercept_])
        model = _OneOrMore(LogisticRegression(C=penalty, max_iter=300)).fit(evidence.own[known], column[known])
        return model.linear(classes)

    def fitted(penalty: float) -> Layers:
        if task != "multilabel":
            return Layers(task, [layer(y, penalty, num_outputs)])
        pairs = [layer(y[:, number], penalty, 2) for number in range(num_outputs)]
        weight = np.concatenate([weight[:, 1:] - weight[:, :1] for weight, _ in pairs], axis=1)
        return Layers(task, [(weight, np.concatenate([bias[1:] - bias[:1] for _, bias in pairs]))])

    tried = [fitted(penalty) for penalty in (0.1, 1.0, 10.0, 100.0)]
    chosen = valid if valid.any() else train
    losses = [log_loss(task, each.predict(evidence, y)[chosen], y[chosen]) for each in tried]
    return tried[int(np.argmin(losses))]


class _OneOrMore:
    """A logistic regression as a linear map to all classes; a class that was not seen gets a very low score."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.only: int | None = None

    def fit(self, x: Any, y: Any) -> _OneOrMore:
        classes = np.unique(y)
        self.width = x.shape[1]
        if len(classes) < 2:
            self.only = int(classes[0]) if len(classes) else 0
        else:
            self.model.fit(x, y)
        return self

    def linear(self, classes: int) -> tuple[Array, Array]:
        weight, bias = np.zeros((self.width, classes)), np.full(classes, -30.0)
        if self.only is not None:
            bias[self.only] = 0.0
            return weight, bias
        seen = self.model.classes_.astype(int)
        if len(seen) == 2:
            weight[:, seen[1]], bias[seen[0]], bias[seen[1]] = self.model.coef_[0], 0.0, self.model.intercept_[0]
        else:
            weight[:, seen], bias[seen] = self.model.coef_.T, self.model.intercept_
        return weight, bias


def _fit_mlp(evidence: Evidence, y: Any, train: Any, valid: Any, task: str, num_outputs: int, seed: int) -> Rival:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    known = train & (~np.isnan(y).any(axis=1) if task == "multilabel" else True)
    x, labels = evidence.own[known], y[known]
    if len(labels) == 0 or (task == "multiclass" and len(np.unique(labels)) < 2):
        return Constant(_prior(y, train, task, num_outputs))
    options = {"hidden_layer_sizes": (64,), "alpha": 1e-3, "max_iter": 200, "random_state": seed}
    if task == "regression":
        center, spread = labels.mean(), max(float(labels.std()), 1e-12)
        model = MLPRegressor(**options).fit(x, (labels - center) / spread)
        pairs = list(zip(model.coefs_, model.intercepts_, strict=True))
        return Layers(task, [*pairs[:-1], (pairs[-1][0] * spread, pairs[-1][1] * spread + center)])
    model = MLPClassifier(**options).fit(x, labels)
    pairs = list(zip(model.coefs_, model.intercepts_, strict=True))
    if task == "multiclass":
        pairs[-1] = _all_classes(*pairs[-1], model.classes_.astype(int), num_outputs)
    return Layers(task, pairs)


def _all_classes(weight: Array, bias: Array, seen: Any, num_outputs: int) -> tuple[Array, Array]:
    wide, low = np.zeros((weight.shape[0], num_outputs)), np.full(num_outputs, -30.0)
    if len(seen) == 2:  # one output, the score of the second
        wide[:, seen[1]], low[seen[0]], low[seen[1]] = weight[:, 0], 0.0, bias[0]
    else:
        wide[:, seen], low[seen] = weight, bias
    return wide, low


def _fit_boosting(evidence: Evidence, y: Any, train: Any, valid: Any, task: str, num_outputs: int, seed: int) -> Rival:
    columns = [y[:, number] for number in range(num_outputs)] if task == "multilabel" else [y]
    present = sorted({int(label) for label in y[train]}) if task == "multiclass" else []
    if task == "multiclass" and len(present) < 2:
        return Constant(_prior(y, train, task, num_outputs))
    trees = [_grow(evidence.wide, column, train, valid, task, present, seed) for column in columns]
    return Boosting(task, num_outputs, present, trees)


def _grow(wide: Any, y: Any, train: Any, valid: Any, task: str, present: list[int], seed: int) -> str:
    import lightgbm

    place = {label: number for number, label in enumerate(present)}
    if task == "multiclass":
        labels = np.array([place.get(int(label), -1) for label in y])
        learned, checked = train, valid & (labels >= 0)
        objective = {"objective": "binary"}
        if len(present) > 2:
            objective = {"objective": "multiclass", "num_class": str(len(present))}
    else:
        labels = y
        learned, checked = train & ~np.isnan(y), valid & ~np.isnan(y)
        objective = {"objective": "binary" if task == "multilabel" else "regression"}
    settings = objective | {
        "learning_rate": 0.05,
        "num_leaves": 31,
        "min_data_in_leaf": int(np.clip(learned.sum() // 20, 1, 20)),
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": min(os.cpu_count() or 1, 8) if learned.sum() > 2000 else 1,
        "seed": seed,
        "verbosity": -1,
    }
    wide = wide.astype(np.float64)
    data = lightgbm.Dataset(wide[learned], labels[learned])
    if not checked.any():
        return lightgbm.train(settings, data, num_boost_round=100).model_to_string()
    held = lightgbm.Dataset(wide[checked], labels[checked], reference=data)
    stop = lightgbm.early_stopping(30, verbose=False)
    booster = lightgbm.train(settings, data, num_boost_round=500, valid_sets=[held], callbacks=[stop])
    return booster.model_to_string(num_iteration=booster.best_iteration)
