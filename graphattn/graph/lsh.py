"""The LSH graph: every node sees those that fall into the same bucket of a hash of directions."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from graphattn.graph.graph import Graph, as_count
from graphattn.graph.points import graph_of_points
from graphattn.graph.reach import as_positive

_AT_ONCE = 2**19  # products to hold while hashing: near the processor


def lsh(
    x: Tensor,
    num_buckets: int,
    *,
    rounds: int = 1,
    causal: bool = False,
    batch: Tensor | None = None,
    generator: Generator | None = None,
) -> Graph:
    """Reformer's graph: nodes see each other where a hash puts them into one bucket, as it does near directions.

        h(x) = argmax([x R; -x R]),   R ~ normal [d, num_buckets / 2]
        N(i) = { j ≠ i : h_r(x_i) = h_r(x_j) in some round r },   j <= i only, where causal

    Reformer shares queries and keys: `x` is the query, and the key is the query divided by its length (its length
    does not change the bucket). A node would then attend to itself most of all, so it sees itself only where it has
    nobody else to see. An edge found in several rounds is one edge, as in the paper (eq. 6 and appendix A).
    Ours are the buckets themselves: they are not cut into chunks of equal length, so nobody in a bucket is missed,
    and E grows with the square of the fullest bucket. All heads share one graph.

    Args:
        x: what is hashed, `[N, d]`, floating point; no gradient goes through the choice of buckets.
        num_buckets: the number of buckets; even.
        rounds: how many hashes are drawn; more rounds miss fewer of the near ones.
        causal: see only those before.
        batch: the sequence of each node, `[N]` integers from 0, never decreasing (PyG's `batch`); all are hashed
            alike. One sequence when None.
        generator: where the randomness comes from, on the CPU; torch's default generator when None.

    Returns:
        A `Graph`, or a `Batch` of them with `batch`, on the device of `x`. Edges come destination by destination,
        sources ascending.

    Raises:
        TypeError: `x` is no floating-point tensor, `batch` no integers, or a number is no integer.
        ValueError: wrong shapes, `x` is not finite, `num_buckets` is not even and positive, or `rounds` is below 1.

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0], [-1.0, 0.0]])
        >>> lsh(x, num_buckets=2, generator=torch.Generator().manual_seed(0)).edge_index
        tensor([[2, 3, 0, 1],
                [0, 1, 2, 3]])

    Reference: Kitaev et al. 2020, arXiv:2001.04451, section 2, eq. 4 and 6.
    """
    rounds = as_positive("rounds", as_count("rounds", rounds))
    num_buckets = as_count("num_buckets", num_buckets)
    if num_buckets < 2 or num_buckets % 2:
        raise ValueError(f"num_buckets must be even and at least 2, got {num_buckets}")
    directions: list[Tensor] = []

    def connect(sequence: Tensor) -> Graph:
        if not directions:  # drawn after x is checked, once for all
            shape = (rounds, sequence.size(1), num_buckets // 2)
            directions.append(torch.randn(shape, generator=generator).to(sequence))
        return _connect(sequence, directions[0], causal)

    return graph_of_points("x", x, batch, connect)


def _connect(x: Tensor, directions: Tensor, causal: bool) -> Graph:
    size = len(x)
    found = [_same_bucket(_hash(x, each), size) for each in directions]
    edge = found[0] if len(found) == 1 else torch.cat(found).unique()  # sorts, too
    dst, src = edge // size, edge % size
    if causal:
        dst, src = dst[src <= dst], src[src <= dst]
    alone = dst.bincount(minlength=size) == 1
    seen = (src != dst) | alone[dst]
    return Graph(torch.stack([src[seen], dst[seen]]), size)


def _hash(x: Tensor, directions: Tensor) -> Tensor:
    """argmax([x R; -x R]) for each node, `[N]`, some nodes at a time."""
    half = directions.size(1)
    buckets = []
    for some in x.split(max(1, _AT_ONCE // half)):
        projected = some @ directions
        bucket = projected.abs().argmax(dim=1)
        opposite = projected.gather(1, bucket.unsqueeze(1)).squeeze(1) < 0
        buckets.append(bucket + half * opposite)
    return torch.cat(buckets)


def _same_bucket(bucket: Tensor, size: int) -> Tensor:
    """The pairs of nodes in one bucket, `dst * size + src`, ascending, both ways and with themselves."""
    order = bucket.argsort(stable=True)
    count = bucket.bincount()
    before = count.cumsum(0) - count
    num_seen = count[bucket]
    dst = torch.arange(size, device=bucket.device).repeat_interleave(num_seen)
    first = num_seen.cumsum(0) - num_seen
    place = torch.arange(dst.numel(), device=bucket.device) + (before[bucket] - first)[dst]
    return dst * size + order[place]
