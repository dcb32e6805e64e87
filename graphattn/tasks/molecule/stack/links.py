"""From the score of a model to a value or the probability of class 1, and what to say where nothing can be learned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Array = NDArray[np.float64]

_SURE = 0.99
"""probability of the only class of a training"""


def apply_link(task: str, scores: Array) -> Array:
    """Return values as they are, or the probabilities of log-odds."""
    return scores if task == "regression" else np.asarray(expit(scores))


def learnable(targets: Array) -> bool:
    """Return whether a model can be fitted to `[n]` known targets: two and more that differ."""
    return len(targets) > 1 and bool((targets != targets[0]).any())


def mean_of(task: str, targets: Array) -> float:
    """Return the value, or the probability, to predict where nothing can be learned from `[n]` known targets."""
    if task == "regression":
        return float(targets.mean()) if len(targets) else 0.0
    return float(np.clip(targets.mean(), 1 - _SURE, _SURE)) if len(targets) else 0.5


def constant_score(task: str, targets: Array) -> float:
    """Return the score that `apply_link` turns into `mean_of`."""
    mean = mean_of(task, targets)
    return mean if task == "regression" else float(logit(mean))
