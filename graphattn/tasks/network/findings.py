"""What to know about labels and network before one trusts a number: homophily, balance, edges made from labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from graphattn.tasks.network.network import Network

_FEW = 5
"""labeled nodes of a class below which nothing said about it is sure"""


def homophily(network: Network) -> dict[str, float]:
    """Return the share of edges that join equal labels, and the same above what chance gives.

    adjusted = (share − Σ p_k²) / (1 − Σ p_k²),   p_k the share of edge ends at nodes of class k

    Platonov et al. 2023, arXiv:2209.06177, eq. 2. Only edges between two labeled nodes count, self-loops do not. NaN
    without such edges, and for several labels or numbers.
    """
    nothing = {"edge_homophily": float("nan"), "adjusted_homophily": float("nan")}
    if network.task != "multiclass":
        return nothing
    src, dst = network.y[network.edge_index].numpy()
    kept = (src >= 0) & (dst >= 0) & (network.edge_index[0] != network.edge_index[1]).numpy()
    src, dst = src[kept], dst[kept]
    if len(src) == 0:
        return nothing
    share = float((src == dst).mean())
    ends = np.bincount(np.concatenate([src, dst]), minlength=len(network.classes)) / (2 * len(src))
    chance = float((ends**2).sum())
    return {
        "edge_homophily": share,
        "adjusted_homophily": (share - chance) / (1 - chance) if chance < 1 else float("nan"),
    }


def class_counts(network: Network) -> dict[str, int]:
    """Return how many labeled nodes each class has; empty for a regression."""
    if network.task == "regression":
        return {}
    if network.task == "multilabel":
        counts = torch.nansum(network.y, dim=0).long().tolist()
    else:
        counts = torch.bincount(network.y[network.y >= 0], minlength=len(network.classes)).tolist()
    return dict(zip(network.classes, counts, strict=True))


def notes_on(network: Network) -> list[str]:
    """Return what the reader of the results should know, a sentence each."""
    notes = []
    counts = class_counts(network)
    few = [name for name, count in counts.items() if count < _FEW]
    if few:
        named = ", ".join(repr(name) for name in few[:5]) + (" and more" if len(few) > 5 else "")
        notes.append(f"Fewer than {_FEW} nodes are labeled {named}: what is said about them is unsure.")
    total = sum(counts.values())
    if network.task == "multiclass" and total:
        name, most = max(counts.items(), key=lambda item: item[1])
        if most / total > 0.9:
            notes.append(f"{most / total:.0%} of the labels are {name!r}: compare with the majority, not with 50 %.")
    share = homophily(network)["edge_homophily"]
    if share > 0.999 and len([count for count in counts.values() if count]) > 1:
        notes.append(
            "Every edge joins two nodes with the same label: was the list of edges made from the labels? "
            "Then the results say nothing about nodes without labels."
        )
    return notes


def labels_of(network: Network) -> list[str | None]:
    """Return the label of each node as the user wrote it, None where there is none."""
    if network.task == "regression":
        return [None if np.isnan(value) else f"{value:.4g}" for value in network.y.tolist()]
    if network.task == "multiclass":
        return [network.classes[place] if place >= 0 else None for place in network.y.tolist()]
    known = (~torch.isnan(network.y)).any(1).tolist()
    return [
        ";".join(name for name, value in zip(network.classes, row, strict=True) if value > 0.5) if is_known else None
        for row, is_known in zip(network.y.tolist(), known, strict=True)
    ]
