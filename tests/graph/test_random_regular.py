import itertools
import math
import sys
from fractions import Fraction

import pytest
import torch
from expectation import assert_mean
from hypothesis import given
from hypothesis import strategies as st

from graphattn.graph import Batch, complete, random_regular


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def check_regular(graph, n, degree):
    src, dst = graph.edge_index
    assert graph.num_nodes == n
    assert graph.in_degree.tolist() == graph.out_degree.tolist() == [degree] * n
    assert (src != dst).all()
    edge = dst * n + src
    assert (edge.diff() > 0).all()  # no edge twice; destination by destination, sources ascending
    assert graph.csr.perm is None


@pytest.mark.parametrize("n", range(1, 10))
def test_every_degree_of_small_graphs(n):
    for degree in range(n):
        for seed in range(5):
            check_regular(random_regular(n, degree, generator=seeded(seed)), n, degree)


@given(st.integers(1, 60), st.data())
def test_regular_whatever_the_sizes(n, data):
    degree = data.draw(st.integers(0, n - 1))
    check_regular(random_regular(n, degree, generator=seeded(data.draw(st.integers(0, 99)))), n, degree)


def test_no_nodes():
    assert random_regular(0, 0) == complete(0)


def test_follows_the_generator():
    first, again, other = (random_regular(31, 5, generator=seeded(seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    torch.manual_seed(3)
    assert random_regular(31, 5) == first


@pytest.mark.parametrize("degree", [2, 5])  # of 7 nodes: drawn, and drawn by what is left out
def test_everyone_else_is_seen_equally_often(degree):
    generator, others = seeded(), ~torch.eye(7, dtype=torch.bool)
    draws = [random_regular(7, degree, generator=generator).to_torch_sparse().to_dense() for _ in range(2000)]
    assert_mean(torch.stack(draws), others * degree / 6, rather_than=degree / 7)


class EveryChoice:
    """In place of a generator: goes through all that can be drawn, each with its probability."""

    def __init__(self):
        self.script = []

    def runs(self):
        """The probability of each run, while it is run."""
        while True:
            self.place, self.probability = 0, Fraction(1)
            yield
            while self.script and self.script[-1][0] == self.script[-1][1] - 1:
                self.script.pop()
            if not self.script:
                return
            self.script[-1][0] += 1

    def choose(self, count):
        if self.place == len(self.script):
            self.script.append([0, count])
        self.place, self.probability = self.place + 1, self.probability / count
        return self.script[self.place - 1][0]

    def randperm(self, size, *, generator, device):
        orders = itertools.permutations(range(size))
        return torch.tensor(next(itertools.islice(orders, self.choose(math.factorial(size)), None)), dtype=torch.int64)

    def pick(self, allowed, generator):
        return int(allowed.nonzero().flatten()[self.choose(int(allowed.sum()))])


@pytest.mark.parametrize("n", [2, 3, 4])
def test_everyone_else_is_seen_with_the_same_probability_exactly(n, monkeypatch):
    """Permutations that clash are mended node by node: in the order of the nodes, some pairs came 3 % too often."""
    every = EveryChoice()
    module = sys.modules["graphattn.graph.random_regular"]
    monkeypatch.setattr(module, "pick", every.pick)
    monkeypatch.setattr(torch, "randperm", every.randperm)
    seen = [[Fraction(0)] * n for _ in range(n)]
    for _ in every.runs():
        for i, (j,) in enumerate(module._draw_permutations(n, 1, None).tolist()):
            seen[i][j] += every.probability
    assert seen == [[Fraction(i != j, n - 1) for j in range(n)] for i in range(n)]


def test_batch():
    graph = random_regular([7, 5, 11], degree=3, generator=seeded())
    assert isinstance(graph, Batch)
    for part, size in zip(graph.parts, (7, 5, 11), strict=True):
        check_regular(part, size, 3)


def test_on_a_device():
    assert random_regular(5, 2, device="meta").device.type == "meta"


@pytest.mark.parametrize(
    ("n", "degree", "error", "message"),
    [
        (3, 3, ValueError, "degree must be below the number of nodes, got 3 for 3 nodes"),
        ([7, 2], 2, ValueError, "got 2 for 2 nodes"),
        (0, 1, ValueError, "got 1 for 0 nodes"),
        (7, -1, ValueError, "degree must not be negative, got -1"),
        (7, 2.0, TypeError, r"degree must be an integer, got 2\.0"),
    ],
)
def test_bad_input(n, degree, error, message):
    with pytest.raises(error, match=message):
        random_regular(n, degree)
