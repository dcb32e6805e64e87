"""Which labeled nodes are learned from, which choose, and which measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphattn.tasks.common.errors import SettingsError

if TYPE_CHECKING:
    from graphattn.tasks.network.network import Network

SHARES = (0.6, 0.2, 0.2)


class NodeSplit(NamedTuple):
    """Three sets of labeled nodes without a node in common, `[N]` bool each."""

    train: Tensor
    valid: Tensor
    test: Tensor


def labeled(y: Tensor) -> Tensor:
    """Which nodes have a label, `[N]` bool: not −1, not NaN; for several labels, any of them."""
    if y.is_floating_point():
        known = ~torch.isnan(y)
        return known.any(1) if y.ndim == 2 else known
    return y >= 0


def random_split(y: Tensor, *, shares: Sequence[float] = SHARES, seed: int = 0, stratify: bool = True) -> NodeSplit:
    """Draw three parts of the labeled nodes; each class is shared out alike where labels are classes.

    Of a class, rounding favors the training part; a class of one node is learned from alone.

    Args:
        y: labels, `[N]` or `[N, C]`.
        shares: of training, validation and test part; they add up to 1.
        seed: of the draw.
        stratify: whether to draw within classes (`[N]` integer labels).

    Raises:
        SettingsError: the shares are not three numbers from 0 that add up to 1, with a part to learn from.
    """
    if len(shares) != 3 or min(shares) < 0 or shares[0] == 0 or abs(sum(shares) - 1) > 1e-6:
        raise SettingsError(f"the shares of a split are three numbers that add up to 1, got {tuple(shares)}.")
    draw = np.random.default_rng(seed)
    known = labeled(y).numpy()
    classes = y.numpy() if stratify and y.ndim == 1 and not y.is_floating_point() else np.zeros(len(y), dtype=np.int64)
    places: list[NDArray[np.int64]] = []
    for label in np.unique(classes[known]):
        members = draw.permutation(np.flatnonzero(known & (classes == label)))
        # its place in its class, from 0 to below 1: sorted by it, classes interleave, and the first of each come first
        places.append(np.stack([np.arange(len(members)) / len(members), members], axis=1))
    if not places:
        nothing = torch.zeros(len(y), dtype=torch.bool)
        return NodeSplit(nothing, nothing.clone(), nothing.clone())
    ordered = np.concatenate(places)
    nodes = ordered[np.argsort(ordered[:, 0], kind="stable"), 1].astype(np.int64)
    return _cut(nodes, len(y), shares)


def time_split(y: Tensor, time: NDArray[Any], *, shares: Sequence[float] = SHARES) -> NodeSplit:
    """Learn from the oldest labeled nodes, choose on later ones, measure on the latest; ties keep their order."""
    nodes = np.flatnonzero(labeled(y).numpy())
    return _cut(nodes[np.argsort(time[nodes], kind="stable")], len(y), shares)


def given_split(network: Network, number: int = 0) -> NodeSplit:
    """Return the split that came with a network, the `number`-th of several; unlabeled nodes are in no part.

    Where no validation part was given, a fifth of the training part, drawn by class, becomes one.

    Raises:
        SettingsError: there is none, or none of that number, or it has no training part.
    """
    if network.masks is None:
        raise SettingsError("this network comes without a split; ask for a random one, or name its split column.")
    known = labeled(network.y)
    none = torch.zeros_like(known)
    parts = []
    for part in ("train", "valid", "test"):
        mask = network.masks.get(part, none)
        if mask.ndim == 2:
            if number >= mask.shape[1]:
                raise SettingsError(f"this network has {mask.shape[1]} splits, counted from 0; got split {number}.")
            mask = mask[:, number]
        parts.append(mask.bool() & known)
    train, valid, test = parts
    if not train.any():
        raise SettingsError("the split that was given has no labeled node to learn from.")
    if not valid.any():
        y = network.y.clone()
        y[~train] = float("nan") if y.is_floating_point() else -1
        drawn = random_split(y, shares=(0.8, 0.2, 0.0))
        train, valid = drawn.train, drawn.valid
    return NodeSplit(train, valid, test)


def _cut(nodes: NDArray[np.int64], size: int, shares: Sequence[float]) -> NodeSplit:
    ends = np.rint(np.cumsum(shares) * len(nodes)).astype(int)
    ends[-1] = len(nodes) if shares[2] > 0 else ends[1]
    if shares[2] == 0:
        ends[1] = len(nodes)
    starts = [0, ends[0], ends[1]]
    stops = [ends[0], ends[1], len(nodes)]
    masks = []
    for start, stop in zip(starts, stops, strict=True):
        mask = torch.zeros(size, dtype=torch.bool)
        mask[torch.from_numpy(nodes[start:stop].copy())] = True
        masks.append(mask)
    return NodeSplit(*masks)


def without_edges_of(network: Network, nodes: Tensor) -> Network:
    """Return the network without the edges of some nodes, `[N]` bool; the nodes keep their places."""
    kept = ~nodes[network.edge_index].any(0)
    return replace(
        network,
        edge_index=network.edge_index[:, kept],
        edge_weight=None if network.edge_weight is None else network.edge_weight[kept],
        edge_type=None if network.edge_type is None else network.edge_type[kept],
        edge_attr=None if network.edge_attr is None else network.edge_attr[kept],
    )
