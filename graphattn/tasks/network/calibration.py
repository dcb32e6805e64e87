"""How sure to be: temperatures, a blend of several methods, sets of labels with a coverage, and unfamiliar nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.network.evidence import Evidence
from graphattn.tasks.network.metrics import likelihood

Array = NDArray[np.float64]

_LEAST = 1e-12
_FOLDS = 5


def apply_temperature(task: str, predicted: Array, temperature: float) -> Array:
    """Return softmax(log p / T) of each row, or the like for each label; values of a regression as they are."""
    if task == "regression" or temperature == 1.0:
        return predicted
    if task == "multilabel":
        both = np.stack([1 - predicted, predicted], axis=-1)
        return apply_temperature("multiclass", both, temperature)[..., 1]
    logs = np.log(np.maximum(predicted, _LEAST)) / temperature
    powers = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def fit_temperature(task: str, predicted: Array, y: NDArray[Any]) -> float:
    """Return the temperature between 1/20 and 20 with the lowest log loss; 1 for a regression.

    Of n labels, each counts as true with probability (n + 1) / (n + 2) only (Platt 1999, section 2.2): seven nodes of
    which all are right do not make anyone sure.

    Guo et al. 2017, arXiv:1706.04599, section 4.2.
    """
    if task == "multilabel":
        known = ~np.isnan(y)
        chances = predicted[known]
        predicted, y = np.stack([1 - chances, chances], axis=1), y[known].astype(np.int64)
    count = len(y)
    if task == "regression" or count == 0:
        return 1.0
    from scipy.optimize import minimize_scalar

    others = max(predicted.shape[1] - 1, 1)
    target = np.full(predicted.shape, 1 / (count + 2) / others)
    target[np.arange(count), y] = (count + 1) / (count + 2)

    def loss(log_temperature: float) -> float:
        found = apply_temperature("multiclass", predicted, float(np.exp(log_temperature)))
        return -float((target * np.log(np.maximum(found, _LEAST))).sum()) / count

    return float(np.exp(minimize_scalar(loss, bounds=(-np.log(20), np.log(20)), method="bounded").x))


def calibration_error(task: str, predicted: Array, y: NDArray[Any], bins: int = 15) -> float:
    """Return the expected calibration error: |accuracy − confidence| in bins of confidence, weighted by their nodes.

    NaN for a regression, or without nodes.
    """
    if task == "regression" or len(y) == 0:
        return float("nan")
    if task == "multilabel":
        known = ~np.isnan(y)
        chances = predicted[known]
        predicted, y = np.stack([1 - chances, chances], axis=1), y[known].astype(np.int64)
    confidence, right = predicted.max(axis=1), predicted.argmax(axis=1) == y
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = np.bincount(places, right - confidence, minlength=bins)
    return float(np.abs(gap).sum() / len(y))


def blend_weights(task: str, members: Sequence[Array], y: NDArray[Any]) -> Array:
    """Return weights from 0 that add up to 1, of the blend of members with the lowest loss on these nodes.

    Probabilities: the mixture of most likelihood, by expectation and maximization. Values: least squares.

    Args:
        task: "multiclass", "multilabel" or "regression".
        members: predictions for the same nodes, each.
        y: their labels.
    """
    count = len(members)
    even = np.full(count, 1 / count)
    if count == 1 or len(y) == 0:
        return even
    if task == "regression":
        from scipy.optimize import nnls

        columns = np.stack([member[:, 0] for member in members], axis=1)
        heavy = 1e3 * max(float(np.abs(columns).max()), 1.0)  # a row that makes them add up to 1
        weights = nnls(np.vstack([columns, np.full(count, heavy)]), np.append(y, heavy))[0]
        return weights / weights.sum() if weights.sum() > 0 else even
    given = np.stack([np.maximum(likelihood(task, member, y), _LEAST) for member in members], axis=1)
    weights = even
    for _ in range(500):
        shares = given * weights
        weights = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
    weights = np.where(weights < 1e-3, 0.0, weights)
    return weights / weights.sum()


def blend(members: Sequence[Array], weights: Array) -> Array:
    """Return the weighted sum of predictions."""
    return np.sum([weight * member for weight, member in zip(weights, members, strict=True)], axis=0)


def cross_blended(task: str, members: Sequence[Array], y: NDArray[Any]) -> Array:
    """Return what blends say of nodes that had no part in finding their weights: each fold by those of the others."""
    fold = np.arange(len(y)) % _FOLDS
    out = np.zeros_like(members[0])
    for number in range(_FOLDS):
        rest, held = fold != number, fold == number
        if held.any():
            weights = blend_weights(task, [member[rest] for member in members], y[rest])
            out[held] = blend([member[held] for member in members], weights)
    return out


@dataclass(frozen=True)
class ConformalSets:
    """Sets of labels that hold the true one with the coverage asked for, if nodes are as those of the calibration.

    A class is in the set where 1 − p is no larger than that of `coverage` of the calibration nodes; intervals of values
    are as wide as `coverage` of their absolute errors. The library is crepes; `alphas` is all it keeps.
    """

    task: str
    coverage: float
    alphas: Array

    @classmethod
    def fit(cls, task: str, predicted: Array, y: NDArray[Any], coverage: float = 0.9) -> ConformalSets:
        """Fit on nodes with labels."""
        if task == "regression":
            return cls(task, coverage, np.abs(y - predicted[:, 0]))
        return cls(task, coverage, 1 - likelihood(task, predicted, y))

    def sets(self, predicted: Array) -> NDArray[np.bool_]:
        """Return which classes are in each node's set, `[n, C]`; for several labels, which values 0, 1: `[n, C, 2]`.

        The likeliest class is always in it. Without calibration nodes a set holds all classes.
        """
        if self.task == "multilabel":
            both = np.stack([1 - predicted, predicted], axis=-1)
            return self._sets(both.reshape(-1, 2)).reshape(both.shape)
        return self._sets(predicted)

    def intervals(self, predicted: Array) -> Array:
        """Return the least and largest value of each node, `[n, 2]`."""
        if len(self.alphas) == 0:
            return np.tile([-np.inf, np.inf], (len(predicted), 1))
        from crepes import ConformalRegressor

        fitted = ConformalRegressor().fit(residuals=self.alphas)
        return np.asarray(fitted.predict_int(predicted[:, 0], confidence=self.coverage))

    def _sets(self, predicted: Array) -> NDArray[np.bool_]:
        if len(self.alphas) == 0:
            return np.ones(predicted.shape, dtype=bool)
        from crepes import ConformalClassifier

        fitted = ConformalClassifier().fit(self.alphas)
        inside = np.asarray(fitted.predict_set(1 - predicted, confidence=self.coverage, smoothing=False)) > 0
        inside[np.arange(len(inside)), predicted.argmax(axis=1)] = True
        return inside


@dataclass(frozen=True)
class Familiarity:
    """Whether a node is like those that were learned from.

    The distance of a node is the mean to its 5 nearest training nodes, in features (at most 64 principal components)
    and the logarithm of its degree, each divided by its deviation in the training part. A node is unlike them where its
    distance is larger than that of 99 % of the training nodes (each without itself).
    """

    points: Array
    scale: Array
    limit: float

    @classmethod
    def fit(cls, evidence: Evidence, train: NDArray[np.bool_], most: int = 20_000) -> Familiarity:
        """Fit on the training nodes; on `most` of them, evenly chosen, where there are more."""
        nodes = np.flatnonzero(train)
        nodes = nodes[np.linspace(0, len(nodes) - 1, min(len(nodes), most)).astype(int)]
        points = _points(evidence)[nodes]
        deviation = points.std(axis=0)
        scale = np.where(deviation > 1e-9, deviation, 1.0)
        made = cls(points / scale, scale, float("inf"))
        if len(nodes) < 10:
            return made
        distances = made._distances(points, itself=True)
        return cls(made.points, scale, max(float(np.quantile(distances, 0.99)), 1e-9))

    def unlike(self, evidence: Evidence) -> NDArray[np.bool_]:
        """Return which nodes are unlike the training nodes, `[N]`."""
        return self.distance(evidence) > 1.0

    def distance(self, evidence: Evidence) -> Array:
        """Return each node's distance, in multiples of the limit."""
        return self._distances(_points(evidence), itself=False) / self.limit

    def _distances(self, points: Array, *, itself: bool) -> Array:
        from sklearn.neighbors import NearestNeighbors

        count = min(5 + itself, len(self.points))
        found = NearestNeighbors(n_neighbors=count).fit(self.points).kneighbors(points / self.scale)[0]
        return found[:, int(itself) :].mean(axis=1)


def _points(evidence: Evidence) -> Array:
    degree = np.log1p(np.asarray(evidence.both.sum(axis=1)).ravel())
    return np.concatenate([evidence.compact, degree[:, None]], axis=1)
