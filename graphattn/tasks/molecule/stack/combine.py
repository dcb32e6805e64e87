"""Weights of the members of a stack, from predictions of molecules that they were not trained on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Array = NDArray[np.float64]

_PRIOR = 10.0
"""molecules' worth of belief in equal weights, so that a few dozen molecules do not choose one member by chance"""


def stack_weights(members: Mapping[str, Array], targets: Array) -> dict[str, Array]:
    r"""Return weights :math:`w_m \ge 0`, which sum to one, of each member for each target.

    They minimize the squared error of the weighted mean over the :math:`n` molecules with a value, plus a small
    multiple of :math:`\sum_m w_m^2`, which draws the weights of few molecules towards equal ones:

    .. math::
        \sum_i \Bigl(\sum_m w_m p_{mi} - y_i\Bigr)^2 + 10\, s^2 \sum_m w_m^2,
        \qquad s^2 = \operatorname{mean}_{mi} (p_{mi} - y_i)^2.

    As the weights sum to one, both terms are homogeneous in them; so non-negative least squares with one more
    equation, :math:`\sum_m w_m = 1`, finds their direction exactly, and dividing by their sum does the rest.

    Args:
        members: predictions `[n, T]` of each member, out of fold: values, or probabilities.
        targets: `[n, T]`, NaN where a value is missing.

    Returns:
        `[T]` weights of each member; equal ones for a target without values.

    Reference: Breiman 1996, Stacked regressions, doi:10.1007/BF00117832.
    """
    weights = np.stack(
        [
            _weights(np.stack([each[:, target] for each in members.values()], axis=1), y)
            for target, y in enumerate(targets.T)
        ],
        axis=1,
    )
    return dict(zip(members, weights, strict=True))


def blend(weights: Mapping[str, Array], members: Mapping[str, Array]) -> Array:
    """Return the weighted mean `[n, T]` of the members' predictions."""
    return np.sum([weights[name] * members[name] for name in weights], axis=0)


def spread_of(weights: Mapping[str, Array], members: Mapping[str, Array]) -> Array:
    r"""Return how far the members differ, :math:`\sqrt{\sum_m w_m (p_m - \bar p)^2}`, `[n, T]`; 0 for one member.

    Args:
        weights: `[T]` of each member; they sum to one.
        members: `[n, T]` of each.

    Reference: Krogh and Vedelsby 1995, Neural Network Ensembles, Cross Validation, and Active Learning (ambiguity).
    """
    mean = blend(weights, members)
    return np.sqrt(np.sum([weights[name] * (members[name] - mean) ** 2 for name in weights], axis=0))


def _weights(predictions: Array, targets: Array) -> Array:
    """Return the weights `[m]` of one target from `[n, m]` predictions."""
    known = ~np.isnan(targets)
    errors = predictions[known] - targets[known, None]
    count = predictions.shape[1]
    scale = np.sqrt((errors**2).mean()) if errors.size else 0.0
    if not scale > 0:  # nothing to choose by
        return np.full(count, 1 / count)
    equations = np.concatenate([errors / scale, np.sqrt(_PRIOR) * np.eye(count), np.ones((1, count))])
    solution, _ = nnls(equations, np.append(np.zeros(len(equations) - 1), 1.0))
    return np.asarray(solution / solution.sum(), dtype=np.float64)
