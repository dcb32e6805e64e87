"""The rivals and colleagues of the networks: simpler methods, fitted to the same nodes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.network.evidence import Evidence
from graphattn.tasks.network.metrics import log_loss
from graphattn.tasks.network.rivals import Boosting, Constant, Layers, Propagation, Rival, targets_of

Array = NDArray[np.float64]

RIVALS = ("majority", "label_propagation", "logistic_regression", "mlp", "boosting")


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


def _prior(y: NDArray[Any], train: NDArray[np.bool_], task: str, num_outputs: int) -> Array:
    values = targets_of(task, y[train], num_outputs)
    there = ~np.isnan(values)
    return np.where(there, values, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)


def _fit_majority(evidence: Evidence, y: Any, train: Any, valid: Any, task: str, num_outputs: int, seed: int) -> Rival:
    return Constant(_prior(y, train, task, num_outputs))


def _fit_propagation(
    evidence: Evidence, y: Any, train: Any, valid: Any, task: str, num_outputs: int, seed: int
) -> Rival:
    return Propagation(task, _prior(y, train, task, num_outputs))


def _fit_logistic(evidence: Evidence, y: Any, train: Any, valid: Any, task: str, num_outputs: int, seed: int) -> Rival:
    return fit_logistic(evidence, y, train, valid, task=task, num_outputs=num_outputs)


def fit_logistic(
    evidence: Evidence,
    y: NDArray[Any],
    train: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    *,
    task: str = "multiclass",
    num_outputs: int = 2,
    columns: Sequence[int] | None = None,
) -> Rival:
    """Fit a logistic regression (ridge regression of numbers) on own features, or on some of their columns."""
    from sklearn.linear_model import LogisticRegression, Ridge

    own = evidence.own if columns is None else evidence.own[:, columns]

    def layer(column: Any, penalty: float, classes: int) -> tuple[Array, Array]:
        known = train & ((column >= 0) if column.dtype.kind == "i" else ~np.isnan(column))
        if task == "regression":
            ridge = Ridge(alpha=1 / penalty).fit(own[known], column[known])
            return spread(ridge.coef_[:, None]), np.array([ridge.intercept_])
        model = _OneOrMore(LogisticRegression(C=penalty, max_iter=300)).fit(own[known], column[known])
        weight, bias = model.linear(classes)
        return spread(weight), bias

    def spread(weight: Array) -> Array:
        """Of all columns, zeros for those that were not looked at."""
        if columns is None:
            return weight
        wide = np.zeros((evidence.own.shape[1], weight.shape[1]))
        wide[list(columns)] = weight
        return wide

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
