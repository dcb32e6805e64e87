"""The LSH graph: every node sees those that fall into the same bucket of a hash of directions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import torch
from torch import Generator, Tensor

from graphattn.graph.axis_window import as_positive
from graphattn.graph.batch import Batch
from graphattn.graph.checks import as_count
from graphattn.graph.compressed import Compressed, index_dtype
from graphattn.graph.graph import Graph
from graphattn.graph.points import check_points
from graphattn.graph.rule import positions

_AT_ONCE = 2**19  # products to hold while hashing: near the processor


def lsh(
    x: Tensor,
    num_buckets: int,
    *,
    rounds: int = 1,
    chunk_size: int | None = None,
    causal: bool = False,
    batch: Tensor | None = None,
    generator: Generator | None = None,
) -> Graph:
    """Reformer's graph: nodes see each other where a hash puts them into one bucket, as it does near directions.

        h(x) = argmax([x R; -x R]),   R ~ normal [d, num_buckets / 2]
        N(i) = { j ≠ i : h_r(x_i) = h_r(x_j) and c_r(i) - 1 <= c_r(j) <= c_r(i) in some round r },
               j <= i only, where causal

    c_r(i) is the chunk of node i: the nodes of a sequence are sorted by bucket (in their order within a bucket) and
    cut into runs of `chunk_size`, which Reformer sets to 2 n / num_buckets. So E <= 2 · rounds · chunk_size · N,
    however full a bucket is. Without `chunk_size` there are no chunks, nobody in a bucket is missed, and E grows with
    the square of the fullest bucket.

    Reformer shares queries and keys: `x` is the query, and the key is the query divided by its length (its length
    does not change the bucket). A node would then attend to itself most of all, so it sees itself only where it has
    nobody else to see. An edge found in several rounds is one edge, as in the paper (eq. 6 and appendix A).

    Args:
        x: what is hashed, `[N, d]`, floating point; no gradient goes through the choice of buckets.
        num_buckets: the number of buckets; even.
        rounds: how many hashes are drawn; more rounds miss fewer of the near ones.
        chunk_size: the length of a chunk; None for whole buckets.
        causal: see only those before.
        batch: the sequence of each node, `[N]` integers from 0, never decreasing (PyG's `batch`); all are hashed
            alike. One sequence when None.
        generator: where the randomness comes from, on the CPU; torch's default generator when None.

    Returns:
        A `Graph`, or a `Batch` of them with `batch`, on the device of `x`. Edges come destination by destination,
        sources ascending.

    Raises:
        TypeError: `x` is no floating-point tensor, `batch` no integers, or a number is no integer.
        ValueError: wrong shapes, `x` is not finite, `num_buckets` is not even and positive, or `rounds` or `chunk_size`
            is below 1.

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0], [-1.0, 0.0]])
        >>> lsh(x, num_buckets=2, generator=torch.Generator().manual_seed(0)).edge_index
        tensor([[2, 3, 0, 1],
                [0, 1, 2, 3]])

    Reference: Kitaev et al. 2020, arXiv:2001.04451, section 2, eq. 4-6.
    """
    check_hash(num_buckets, rounds, chunk_size)
    sizes = check_points("x", x, batch)
    graph = connect(x.detach(), sizes, num_buckets, rounds, chunk_size, causal, generator)
    return graph if batch is None else _cut(graph, sizes)


def check_hash(num_buckets: int, rounds: int, chunk_size: int | None) -> None:
    """Check what says how to hash; arguments and errors are those of `lsh`."""
    num_buckets = as_count("num_buckets", num_buckets)
    if num_buckets < 2 or num_buckets % 2:
        raise ValueError(f"num_buckets must be even and at least 2, got {num_buckets}")
    as_positive("rounds", as_count("rounds", rounds))
    if chunk_size is not None:
        as_positive("chunk_size", as_count("chunk_size", chunk_size))


def connect(
    x: Tensor,
    sizes: Sequence[int],
    num_buckets: int,
    rounds: int,
    chunk_size: int | None,
    causal: bool,
    generator: Generator | None = None,
) -> Graph:
    """The edges of `lsh` in sequences of `sizes` nodes, one after another in `x`, as one graph; nothing is checked."""
    drawn = torch.randn(rounds, x.size(1), num_buckets // 2, generator=generator, dtype=torch.float32, device="cpu")
    directions = drawn.to(x)
    size = len(x)
    before = positions(sizes, x.device)[1]
    sequence = before.unique_consecutive(return_inverse=True)[1]
    buckets = (sequence * num_buckets + _hash(x, each) for each in directions)
    found = [_pairs(bucket, before, chunk_size, causal) for bucket in buckets]
    edge = found[0] if len(found) == 1 else _merge(found)
    dst = edge >> 32
    src = edge & 0xFFFFFFFF
    num_seen = dst.bincount(minlength=size)
    alone = num_seen == 1
    seen = src[(src != dst) | alone[dst]]
    indptr = torch.cat([num_seen.new_zeros(1), (num_seen - 1 + alone).cumsum(0)])  # less oneself
    dtype = index_dtype(size, len(seen))
    return Graph._of_csr(Compressed(indptr.to(dtype), seen.to(dtype), None), size)


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


def _pairs(bucket: Tensor, before: Tensor, chunk_size: int | None, causal: bool) -> Tensor:
    """Who sees whom, and itself, in one round: `dst · 2³² + src`, ascending.

    Args:
        bucket: of each node, `[N]`; the buckets of a sequence come before those of the next.
        before: how many nodes there are before the sequence of each, `[N]`.
        chunk_size: as for `lsh`.
        causal: as for `lsh`.
    """
    node = torch.arange(len(bucket), device=bucket.device)
    order = bucket.argsort(stable=True)  # keeps each sequence where it is
    place = torch.empty_like(order).scatter_(0, order, node)
    count = bucket.bincount()
    last = count.cumsum(0)  # a node sees a run of places: first <= place < last
    first, last = (last - count)[bucket], last[bucket]
    if chunk_size is not None:
        chunk = before + (place - before) // chunk_size * chunk_size  # where the chunk of a node begins
        first, last = torch.maximum(first, chunk - chunk_size), torch.minimum(last, chunk + chunk_size)
    if causal:
        last = place + 1
    num_seen = last - first
    begin = num_seen.cumsum(0) - num_seen
    dst = node.repeat_interleave(num_seen)
    seen = torch.arange(dst.numel(), device=dst.device) + (first - begin)[dst]
    return dst << 32 | order[seen]


def _merge(found: Sequence[Tensor]) -> Tensor:
    """What several ascending lists hold, each number once, ascending."""
    numbers = torch.cat(list(found))
    if numbers.device.type == "cpu":
        numbers = torch.from_numpy(np.sort(numbers.numpy(), kind="stable"))  # merges runs that are sorted already
    else:
        numbers = numbers.sort().values
    return numbers.unique_consecutive()


def _cut(graph: Graph, sizes: Sequence[int]) -> Batch:
    """A graph of several sequences as the batch of their graphs."""
    begins = torch.tensor([0, *accumulate(sizes)], device=graph.device)
    num_edges = torch.searchsorted(graph.edge_index[1].contiguous(), begins).diff().tolist()
    edges = zip(graph.edge_index.split(num_edges, dim=1), begins[:-1], sizes, strict=True)
    return Batch([Graph._checked(edge_index - begin, size, size) for edge_index, begin, size in edges])
