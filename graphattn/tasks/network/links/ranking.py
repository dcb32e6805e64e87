"""How high a linked pair ranks among pairs of the same node that are not linked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.network.links.split import code_of, linked_codes
from graphattn.tasks.network.network import Network

RIVALS_EACH = 100
"""unlinked pairs that each linked one is ranked among"""

MOST_RANKED = 1000
HITS = (1, 10)


def candidates(
    network: Network, pairs: NDArray[np.int64], draw: np.random.Generator, each: int = RIVALS_EACH
) -> NDArray[np.int64]:
    """Return for each pair u, v itself and pairs u, w with w drawn from the nodes not linked to u, `[P, 1 + each, 2]`.

    For a node that is linked to nearly all others, w is −1 where none was found.
    """
    size, known = len(network.ids), linked_codes(network)
    out = np.repeat(pairs[:, None], 1 + each, axis=1)
    out[:, 1:, 1] = -1
    for _ in range(50):
        rows, columns = np.nonzero(out[:, :, 1] < 0)
        drawn = np.stack([out[rows, 0, 0], draw.integers(size, size=len(rows))], axis=1)
        good = ~np.isin(code_of(drawn, size), known) & (drawn[:, 0] != drawn[:, 1])
        out[rows[good], columns[good], 1] = drawn[good, 1]
    return out


def ranks(scores: NDArray[np.float64]) -> dict[str, float]:
    """Return mean reciprocal rank and Hits@K of the first column among each row, `[P, 1 + n]`; ties count half.

    NaN marks a place without a pair.
    """
    first = scores[:, :1]
    rank = 1 + (scores[:, 1:] > first).sum(axis=1) + 0.5 * (scores[:, 1:] == first).sum(axis=1)
    return {"mrr": float((1 / rank).mean())} | {f"hits_{k}": float((rank <= k).mean()) for k in HITS}
