import collections
import itertools
import math
import sys

import pytest
import torch
from expectation import assert_mean

from graphattn.graph import Batch, Graph, complete, lsh


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def buckets(x, num_buckets, rounds, seed):
    """Reformer's hashes of each node, `[rounds, N]`, one at a time."""
    directions = torch.randn(rounds, x.size(1), num_buckets // 2, generator=seeded(seed)).to(x)
    found = []
    for rotation in directions:
        projected = [(row @ rotation).tolist() for row in x]
        both = [[*each, *(-p for p in each)] for each in projected]
        found.append([each.index(max(each)) for each in both])
    return found


def expected(x, num_buckets, rounds, causal, seed, chunk_size=None):
    size = len(x)
    met = set()
    for bucket in buckets(x, num_buckets, rounds, seed):
        order = sorted(range(size), key=lambda node, bucket=bucket: (bucket[node], node))
        for p, q in itertools.product(range(size), repeat=2):
            i, j = order[p], order[q]
            near = chunk_size is None or p // chunk_size - 1 <= q // chunk_size <= p // chunk_size
            if bucket[i] == bucket[j] and near and (j <= i or not causal):
                met.add((i, j))
    degree = collections.Counter(i for i, _ in met)
    edges = [(j, i) for i, j in sorted(met) if i != j or degree[i] == 1]
    return Graph(torch.tensor(edges, dtype=torch.int64).view(-1, 2).t(), size)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 41])
@pytest.mark.parametrize(
    ("num_buckets", "rounds", "causal", "chunk_size"),
    [
        (2, 1, False, None),
        (8, 1, True, None),
        (8, 3, False, None),
        (6, 4, True, None),
        (2, 1, False, 1),
        (4, 1, False, 7),
        (4, 3, False, 5),
        (2, 2, True, 3),
        (2, 1, False, 100),
    ],
)
def test_buckets_by_hand(n, num_buckets, rounds, causal, chunk_size):
    x = torch.randn(n, 5, dtype=torch.float64, generator=seeded(1))
    graph = lsh(x, num_buckets, rounds=rounds, chunk_size=chunk_size, causal=causal, generator=seeded(7))
    assert graph == expected(x, num_buckets, rounds, causal, 7, chunk_size)
    assert graph.csr.perm is None


def test_chunks_bound_the_edges():
    graph = lsh(torch.ones(50, 3), num_buckets=4, chunk_size=6)
    assert graph.in_degree.max() == 11  # two chunks but for oneself
    assert graph.in_degree[:6].tolist() == [5] * 6  # the first has none before it


def test_everyone_sees_somebody_and_itself_only_when_alone():
    graph = lsh(torch.randn(37, 5, generator=seeded(1)), num_buckets=32, causal=True, generator=seeded())
    src, dst = graph.edge_index
    assert (graph.in_degree >= 1).all()
    assert (graph.in_degree[dst[src == dst]] == 1).all()
    assert 0 in dst[src == dst]  # the first of a causal sequence has nobody before it


def test_length_does_not_matter_and_near_directions_meet():
    x = torch.randn(31, 6, generator=seeded(1))
    assert lsh(x, 8, generator=seeded()) == lsh(3 * x, 8, generator=seeded())
    near = torch.cat([x, x + 0.05 * torch.randn(31, 6, generator=seeded(1))])
    graph = lsh(near, 16, rounds=8, generator=seeded())
    src, dst = graph.edge_index
    pairs = int((src == dst - 31).sum())
    assert pairs >= 30  # of 31 that are near
    assert graph.num_edges < 0.7 * 62 * 62


@pytest.mark.parametrize("angle", [math.pi / 6, math.pi / 2, 0.7 * math.pi])
@pytest.mark.parametrize(("num_buckets", "hyperplanes"), [(2, 1), (4, 2)])
def test_near_directions_meet_as_often_as_the_angle_says(num_buckets, hyperplanes, angle):
    """Two buckets are the sides of a hyperplane, four those of two that are perpendicular: (1 - θ/π) to the power."""
    pairs, generator = 40, seeded()
    plane = torch.arange(pairs)  # a pair in each, so that what each pair meets is drawn independently
    x = torch.zeros(2 * pairs, 2 * pairs, dtype=torch.float64)
    x[plane, 2 * plane] = 1
    x[pairs + plane, 2 * plane], x[pairs + plane, 2 * plane + 1] = math.cos(angle), math.sin(angle)
    meets = []
    for _ in range(100):
        src, dst = lsh(x, num_buckets, generator=generator).edge_index
        meets.append(torch.isin(plane, dst[src == dst + pairs]))
    side = 1 - angle / math.pi
    assert_mean(torch.cat(meets), side**hyperplanes, rather_than=side ** (3 - hyperplanes))


def test_some_nodes_at_a_time(monkeypatch):
    x = torch.randn(31, 5)
    want = lsh(x, 6, rounds=2, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(sys.modules["graphattn.graph.lsh"], "_AT_ONCE", 7)
    assert lsh(x, 6, rounds=2, generator=torch.Generator().manual_seed(0)) == want


def test_more_rounds_see_more():
    x = torch.randn(31, 5, generator=seeded(1))
    counts = [lsh(x, 8, rounds=rounds, generator=seeded()).num_edges for rounds in (1, 2, 4, 16)]
    assert counts == sorted(set(counts))
    assert counts[-1] <= 31 * 30


def test_all_alike_is_complete_but_for_oneself():
    graph = lsh(torch.ones(7, 3), num_buckets=4)
    assert torch.equal(graph.edge_index, complete(7).remove_self_loops()[0].edge_index)


@pytest.mark.parametrize("options", [{}, {"rounds": 3}, {"chunk_size": 3}, {"causal": True, "rounds": 2}])
def test_sequences_do_not_see_one_another_and_are_hashed_alike(options):
    sizes = [9, 0, 1, 14, 0, 3]
    x = torch.randn(sum(sizes), 4, dtype=torch.float64, generator=seeded(1))
    member = torch.arange(6).repeat_interleave(torch.tensor(sizes))
    graph = lsh(x, 4, batch=member, generator=seeded(5), **options)
    assert isinstance(graph, Batch)
    assert graph.dst_sizes == tuple(sizes)
    for part, sequence in zip(graph.parts, x.split(sizes), strict=True):
        assert part == lsh(sequence, 4, generator=seeded(5), **options)
    graph.validate()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_buckets": 3}, ValueError, "num_buckets must be even and at least 2, got 3"),
        ({"num_buckets": 0}, ValueError, "num_buckets must be even and at least 2, got 0"),
        ({"num_buckets": 4.0}, TypeError, r"num_buckets must be an integer, got 4\.0"),
        ({"num_buckets": 4, "rounds": 0}, ValueError, "rounds must be at least 1, got 0"),
        ({"num_buckets": 4, "chunk_size": 0}, ValueError, "chunk_size must be at least 1, got 0"),
        ({"num_buckets": 4, "batch": torch.zeros(2, dtype=torch.int64)}, ValueError, r"batch must have shape \[3\]"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        lsh(torch.zeros(3, 2), **options)


def test_bad_input():
    with pytest.raises(ValueError, match=r"x must have shape \[N, d\] with d at least 1, got \[3, 2, 4\]"):
        lsh(torch.zeros(3, 2, 4), 4)
