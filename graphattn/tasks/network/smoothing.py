"""What a network predicts, spread along the edges together with the labels that are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from graphattn.tasks.network.metrics import log_loss, score

Array = NDArray[np.float64]

SHARES = (0.3, 0.5, 0.7, 0.9)
_STEPS = 50


def smooth(both: sp.csr_array, predicted: Array, known: NDArray[np.int64], share: float) -> Array:
    """Return smoothed probabilities of classes, `[N, C]`.

        F ← α D^(−1/2) A D^(−1/2) F + (1 − α) F⁰   50 times; F⁰ the known labels, and elsewhere what is predicted

    The second step of Huang et al. 2021, "Combining label propagation and simple models out-performs graph neural
    networks", arXiv:2010.13993, section 2.3; rows are made to add up to 1.

    Args:
        both: the edges in both directions, `[N, N]`.
        predicted: probabilities, `[N, C]`.
        known: labels that may be used, −1 where there is none.
        share: α, how much comes from the neighbors.
    """
    start = predicted.copy()
    start[known >= 0] = np.eye(predicted.shape[1])[known[known >= 0]]
    root = sp.diags_array(1 / np.sqrt(np.maximum(both.sum(axis=1), 1)))
    spread = root @ both @ root
    found = start
    for _ in range(_STEPS):
        found = share * (spread @ found) + (1 - share) * start
    return found / found.sum(axis=1, keepdims=True)


def choose_share(
    both: sp.csr_array,
    predicted: Array,
    known: NDArray[np.int64],
    y: NDArray[Any],
    valid: NDArray[np.bool_],
    metric: str,
) -> float:
    """Return the share of `SHARES` that does best on the validation nodes, and has the lower log loss where two tie."""

    def rank(share: float) -> tuple[float, float]:
        found = smooth(both, predicted, known, share)[valid]
        return score("multiclass", metric, found, y[valid]), -log_loss("multiclass", found, y[valid])

    return max(SHARES, key=rank)
