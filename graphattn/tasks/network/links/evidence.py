"""What the rivals see of pairs, and the heuristics among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from graphattn.tasks.network.evidence import Evidence
from graphattn.tasks.network.fit_rivals import fit_logistic, fit_rivals
from graphattn.tasks.network.links.facts import FACTS, facts_of
from graphattn.tasks.network.rivals import Rival
from graphattn.tasks.network.splits import NodeSplit

HEURISTICS = FACTS[:3]
METHODS = ("majority", "logistic_regression", "boosting")


def pair_evidence(nodes: Evidence, positions: NDArray[np.float64], pairs: NDArray[np.int64]) -> Evidence:
    """Collect it from what is known of the nodes.

    `own` holds the facts about the edges around, the likeness (cosine) of features and of Laplacian positions; `wide`
    has products and differences of the features besides.
    """
    one, other = nodes.compact[pairs[:, 0]], nodes.compact[pairs[:, 1]]
    alike = [_cosine(one, other), _cosine(positions[pairs[:, 0]], positions[pairs[:, 1]])]
    own = np.concatenate([facts_of(nodes.both, pairs), np.stack(alike, axis=1)], axis=1)
    wide = np.concatenate([own, one * other, np.abs(one - other)], axis=1)
    return Evidence(own, own, wide, sp.csr_array((len(pairs), len(pairs))), None)


def fit_pair_rivals(
    evidence: Evidence, linked: NDArray[Any], parts: NodeSplit, *, seed: int = 0
) -> Iterator[tuple[str, Rival]]:
    """Fit each heuristic, as a logistic regression on it alone, then methods that see all facts."""
    train, valid, _ = (part.numpy() for part in parts)
    for name in HEURISTICS:
        yield name, fit_logistic(evidence, linked, train, valid, columns=[FACTS.index(name)])
    yield from fit_rivals(evidence, linked, train, valid, task="multiclass", num_outputs=2, seed=seed, names=METHODS)


def _cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    found: NDArray[np.float64] = (one * other).sum(axis=1) / np.maximum(lengths, 1e-12)
    return found
