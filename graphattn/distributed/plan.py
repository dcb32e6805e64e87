"""What attention on a very large graph would need of each process: memory, messages, time. Arithmetic, not a run."""

from __future__ import annotations

import math
from dataclasses import dataclass

LISTS = 52
"""bytes kept for an edge: its ends (16), by destination (8), by source (12), its number in the whole graph (16)"""


@dataclass(frozen=True)
class Plan:
    """One layer of attention on a graph of some size, over some processes.

    Args:
        nodes: N, the number of nodes.
        edges: E, the number of edges.
        partitions: P, the number of processes.
        cut: the share of edges whose source another process owns; that of a random partition, 1 − 1 / P, when None.
        heads: H, the number of heads.
        width: D, the width of keys and of values in a head.
        bytes_per_number: 4 for float32, 2 for bfloat16.
        seconds_per_edge: of forward and backward pass on one process, for all heads. The default was measured on one
            core of a CPU with 8 heads of width 16; `graphattn bench` measures it for a machine.
        bandwidth: of the network of one process, bytes a second.

    Raises:
        ValueError: a size that cannot be.
    """

    nodes: float
    edges: float
    partitions: int
    cut: float | None = None
    heads: int = 8
    width: int = 16
    bytes_per_number: int = 4
    seconds_per_edge: float = 0.9e-6
    bandwidth: float = 12.5e9

    def __post_init__(self) -> None:
        for name in ("nodes", "partitions", "heads", "width", "bytes_per_number", "seconds_per_edge", "bandwidth"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.edges < 0 or (self.cut is not None and not 0 <= self.cut <= 1):
            raise ValueError(
                f"edges must not be negative and cut lies between 0 and 1, got {self.edges} and {self.cut}"
            )

    @property
    def row(self) -> float:
        """Bytes of the key and value of one node."""
        return 2.0 * self.heads * self.width * self.bytes_per_number

    @property
    def halo(self) -> float:
        """The expected number of other processes' sources that a process attends to.

        e = cut · E / P edges fall on the n = N (1 − 1 / P) nodes of others: n (1 − (1 − 1 / n)^e) are hit, if all are
        alike. A partition that keeps neighbors together hits fewer.
        """
        others = self.nodes * (1 - 1 / self.partitions)
        if others < 1:
            return 0.0
        cut = 1 - 1 / self.partitions if self.cut is None else self.cut
        return -others * math.expm1(cut * self.edges / self.partitions * math.log1p(-1 / others)) if others > 1 else 1.0

    @property
    def local(self) -> float:
        """Bytes that a process keeps whatever the exchange: edges, and queries, keys, values, results and gradients."""
        return (self.edges * LISTS + self.nodes * 4 * self.row) / self.partitions

    def exchanges(self) -> list[Exchange]:
        """What each way to exchange sends and keeps in a training step, one layer."""
        compute = self.edges * self.seconds_per_edge / self.partitions
        own = self.nodes / self.partitions
        halo = self.halo * self.row
        peers = max(1, self.partitions - 1)
        all_nodes = 2 * self.row * own * (1 - 1 / self.partitions)  # queries, keys, values and results of its nodes
        found = [
            Exchange("halo", 2 * halo, self.local + 2 * halo, compute),
            Exchange("stream", 3 * halo, self.local + 2 * halo / peers, compute * 1.5),
        ]
        if self.heads % self.partitions == 0:
            whole = self.edges * LISTS + self.nodes * 4 * self.row / self.partitions
            found.append(Exchange("heads", 2 * all_nodes, whole + 2 * self.row * own, compute))
        return [each.over(self.bandwidth) for each in found]


@dataclass(frozen=True)
class Exchange:
    """What one way to exchange costs a process in one training step."""

    name: str
    sent: float
    """bytes sent, forward and backward"""
    kept: float
    """bytes in memory"""
    compute: float
    """seconds of attention"""
    network: float = 0.0
    """seconds that the messages take on the network, which attention to a process's own nodes hides in part"""

    def over(self, bandwidth: float) -> Exchange:
        """The same with the time on a network."""
        return Exchange(self.name, self.sent, self.kept, self.compute, self.sent / bandwidth)
