"""Which edges carry messages, which are learned from, which choose and which measure; and pairs without an edge."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from graphattn.tasks.common.errors import InputError
from graphattn.tasks.network.network import Network
from graphattn.tasks.network.splits import NodeSplit

Pairs = NDArray[np.int64]

_MANY, _SMALL_SHARE, _LARGE_SHARE = 10_000, 0.1, 0.05
"""of linked pairs, from which on each part is one in twenty of them, not one in ten"""

_FEWEST = 10


class LinkSplit(NamedTuple):
    """Linked and unlinked pairs, as many of each in every part, and the network without the linked ones among them."""

    pairs: Pairs
    """`[P, 2]`: source and destination"""
    linked: NDArray[np.bool_]
    parts: NodeSplit
    """of the pairs"""
    seen: Network
    """the network without every edge between two nodes that are a pair, in whichever direction"""


def split_links(network: Network, seed: int = 0) -> LinkSplit:
    """Draw it.

    Edges are drawn by their two ends, so that neither a copy of an edge nor its reverse stays behind to give it away.

    Raises:
        InputError: there are too few edges, or nearly all nodes are linked to all others.
    """
    draw = np.random.default_rng(seed)
    size = len(network.ids)
    edges = network.edge_index.numpy().T
    edges = edges[edges[:, 0] != edges[:, 1]]
    codes, first = np.unique(code_of(edges, size), return_index=True)
    if len(codes) < _FEWEST:
        raise InputError(f"{len(codes)} pairs of nodes are linked; at least {_FEWEST} are needed to learn.")
    count = held_out(network)
    chosen = draw.permutation(len(codes))[: 3 * count]
    others = unlinked(network, 3 * count, draw)
    pairs = np.concatenate([edges[first[chosen]], others])
    linked = np.arange(len(pairs)) < len(chosen)
    part = np.concatenate([np.arange(3 * count) // count, np.arange(len(others)) * 3 // max(len(others), 1)])
    return LinkSplit(
        pairs,
        linked,
        NodeSplit(*(torch.from_numpy(part == number) for number in range(3))),
        without_links(network, codes[chosen]),
    )


def held_out(network: Network) -> int:
    """Return how many linked pairs each part has."""
    linked = linked_codes(network)
    size = len(network.ids)
    count = int((linked // size != linked % size).sum()) if size else 0
    return max(1, round((_SMALL_SHARE if count < _MANY else _LARGE_SHARE) * count))


def code_of(pairs: Pairs, size: int) -> NDArray[np.int64]:
    """Return one number for each pair, `[P, 2]` → `[P]`, the same for both directions."""
    codes: NDArray[np.int64] = pairs.min(axis=1) * size + pairs.max(axis=1)
    return codes


def linked_codes(network: Network) -> NDArray[np.int64]:
    """Return the sorted codes of all pairs that are linked, in whichever direction."""
    return np.unique(code_of(network.edge_index.numpy().T, len(network.ids)))


def without_links(network: Network, codes: NDArray[np.int64]) -> Network:
    """Return the network without the edges between pairs of these codes."""
    kept = torch.from_numpy(~np.isin(code_of(network.edge_index.numpy().T, len(network.ids)), codes))
    return replace(
        network,
        edge_index=network.edge_index[:, kept],
        edge_weight=None if network.edge_weight is None else network.edge_weight[kept],
        edge_type=None if network.edge_type is None else network.edge_type[kept],
        edge_attr=None if network.edge_attr is None else network.edge_attr[kept],
    )


def unlinked(network: Network, count: int, draw: np.random.Generator) -> Pairs:
    """Draw pairs of different nodes without an edge in either direction, each pair once, `[count, 2]`.

    Raises:
        InputError: there are hardly any.
    """
    size, known = len(network.ids), linked_codes(network)
    found, codes = np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.int64)
    for _ in range(50):
        fresh = draw.integers(size, size=(2 * count, 2))
        found = np.concatenate([found, fresh[fresh[:, 0] != fresh[:, 1]]])
        codes, first = np.unique(code_of(found, size), return_index=True)
        first = np.sort(first[~np.isin(codes, known)])
        found = found[first]
        if len(found) >= count:
            return found[:count]
    if len(found) < max(3, count // 10):
        raise InputError("nearly all nodes are linked to all others, so there is nothing to predict.")
    return found
