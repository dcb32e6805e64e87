"""Negative sampling: pairs of nodes without an edge, including in compiled programs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.utils import batched_negative_sampling, is_undirected, negative_sampling, to_undirected


def negative_pairs(edge_index: Tensor, num_nodes: int, ratio: float, batch: Tensor | None, undirected: bool) -> Tensor:
    """Sample pairs of nodes without an edge in either direction, as in PyG; fewer if there are not enough.

    Args:
        edge_index: the edges, `[2, E]`.
        num_nodes: N.
        ratio: `int(ratio * E)` pairs are sampled; in a batch, this many per graph.
        batch: the graph of each node, to sample within graphs; or None.
        undirected: whether every edge is known to have its reverse in `edge_index`.

    Returns:
        `[2, E']`.
    """
    count = int(ratio * edge_index.size(1))
    if not undirected and not is_undirected(edge_index, num_nodes=num_nodes):
        edge_index = to_undirected(edge_index, num_nodes=num_nodes)
    if batch is None:
        return negative_sampling(edge_index, num_nodes, num_neg_samples=count)
    return batched_negative_sampling(edge_index, batch, num_neg_samples=count)


def weighted_negative_pairs(
    edge_index: Tensor, hidden: Tensor | None, num_nodes: int, ratio: float, batch: Tensor | None, undirected: bool
) -> tuple[Tensor, Tensor]:
    """The same for traced programs: always `[2, int(ratio * E)]` pairs, with weights.

    If fewer pairs are found, the remaining ones have weight zero. If more are found, as in a batch, a random subset is
    weighted up: sums over pairs are equal in expectation, and the sum of the weights exactly.

    Args:
        edge_index: the edges, including hidden ones.
        hidden: mask of edges to ignore, `[E]`; None for none.
        num_nodes: as for `negative_pairs`.
        ratio: as for `negative_pairs`.
        batch: as for `negative_pairs`.
        undirected: as for `negative_pairs`.
    """
    most = int(ratio * edge_index.size(1))
    operator = torch.ops.graphattn.unlinked_pairs.default
    pairs, weights = operator(edge_index, hidden, num_nodes, most, ratio, batch, undirected)
    return pairs, weights


torch.library.define(
    "graphattn::unlinked_pairs",
    "(Tensor edge_index, Tensor? hidden, SymInt num_nodes, SymInt most, float ratio, Tensor? batch, bool undirected) "
    "-> (Tensor pairs, Tensor weights)",
    tags=torch.Tag.nondeterministic_seeded,
)


@torch.library.impl("graphattn::unlinked_pairs", "CompositeExplicitAutograd")
def _draw(
    edge_index: Tensor, hidden: Tensor | None, num_nodes: int, most: int, ratio: float, batch: Tensor | None,
    undirected: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    there = edge_index if hidden is None else edge_index[:, ~hidden]
    found = negative_pairs(there, num_nodes, ratio, batch, undirected)
    count = found.size(1)
    kept = found[:, torch.randperm(count, device=found.device)[:most]]
    pairs, weights = edge_index.new_zeros(2, most), torch.zeros(most, device=edge_index.device)
    pairs[:, : kept.size(1)] = kept
    weights[: kept.size(1)] = count / max(kept.size(1), 1)
    return pairs, weights


@torch.library.register_fake("graphattn::unlinked_pairs")
def _fake(
    edge_index: Tensor, hidden: Tensor | None, num_nodes: int, most: int, ratio: float, batch: Tensor | None,
    undirected: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    return edge_index.new_empty(2, most), edge_index.new_empty(most, dtype=torch.float32)
