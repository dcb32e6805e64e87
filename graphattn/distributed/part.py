"""What one process knows of a graph that is spread over several."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from graphattn.graph.graph import Graph


@dataclass
class Part:
    """One process's part of a graph: the destinations it owns, the edges into them, and whom it needs to ask.

    Sources are numbered with the process's own first, in order of `src_nodes`, then those of others, in order of
    `halo_nodes`. Edges are in order of destination. Made by `partition`.
    """

    rank: int
    """This process's rank in the group."""
    group: Any
    """The process group; None for the default one."""
    num_dst: int
    """The number of destinations in the whole graph."""
    num_src: int
    """The number of sources in the whole graph."""
    num_edges: int
    """The number of edges in the whole graph."""
    nodes: Tensor
    """The destinations that this process owns, `[n]` int64, as numbered in the whole graph."""
    src_nodes: Tensor
    """The sources that it owns, `[m]`; the same as `nodes` where both are one set."""
    halo_nodes: Tensor
    """The sources of others that it attends to, `[h]`, by owner."""
    graph: Graph
    """Its edges: `n` destinations, `m + h` sources."""
    edge_ids: Tensor
    """Where each of its edges is in the whole graph's `edge_index`, `[e]` int64."""
    places: Tensor
    """Where each of its edges is in the whole graph's order by destination, `[e]` int64; dropout depends on it."""
    send_index: list[Tensor]
    """For each process, which of this one's sources it needs."""
    receive_counts: list[int]
    """How many rows this process gets from each."""
    whole: Graph | None = None
    """The whole graph, where this process has it."""
    owner: Tensor | None = None
    """The owner of each destination, `[N]`."""
    sent: list[int] = field(default_factory=list, repr=False)
    """The bytes of each message that this process has sent to others for attention; clear it to count anew."""
    _split: tuple[tuple[Graph, Tensor], tuple[Graph, Tensor]] | None = field(default=None, repr=False)

    @property
    def world_size(self) -> int:
        """The number of processes."""
        return len(self.receive_counts)

    @property
    def bytes_sent(self) -> int:
        """How many bytes this process has sent to others for attention."""
        return sum(self.sent)

    @property
    def device(self) -> torch.device:
        """Where its tensors are."""
        return self.nodes.device

    @property
    def local_and_remote(self) -> tuple[tuple[Graph, Tensor], tuple[Graph, Tensor]]:
        """The edges from its own sources and those from others' as a graph each, with their ids in `graph`."""
        if self._split is None:
            own = self.src_nodes.numel()
            source, destination = self.graph.edge_index
            parts = []
            for inside, first, count in ((source < own, 0, own), (source >= own, own, self.halo_nodes.numel())):
                ids = inside.nonzero().squeeze(1)
                edges = torch.stack([source[ids] - first, destination[ids]])
                parts.append((Graph._checked(edges, self.graph.num_dst, count), ids))
            self._split = parts[0], parts[1]
        return self._split

    def from_peer(self, peer: int) -> tuple[Graph, Tensor]:
        """The edges from the sources that `peer` sends, numbered as they come, with their ids in `graph`."""
        first = self.src_nodes.numel() + sum(self.receive_counts[:peer])
        source, destination = self.graph.edge_index
        ids = ((source >= first) & (source < first + self.receive_counts[peer])).nonzero().squeeze(1)
        edges = torch.stack([source[ids] - first, destination[ids]])
        return Graph._checked(edges, self.graph.num_dst, self.receive_counts[peer]), ids

    def shard(self, x: Tensor) -> Tensor:
        """The rows of this process out of one row for each destination of the whole graph."""
        return x[self.nodes.to(x.device)].to(self.device)

    def shard_sources(self, x: Tensor) -> Tensor:
        """The rows of this process out of one row for each source of the whole graph."""
        return x[self.src_nodes.to(x.device)].to(self.device)

    def shard_edges(self, x: Tensor) -> Tensor:
        """The rows of this process out of one row for each edge of the whole graph."""
        return x[self.edge_ids.to(x.device)].to(self.device)

    def gather(self, x: Tensor) -> Tensor:
        """One row for each destination of the whole graph, on every process, from those that each has; no gradients."""
        if self.owner is None:
            raise RuntimeError("this part does not know the owner of every node, so its rows cannot be put in order")
        counts = torch.bincount(self.owner, minlength=self.world_size).tolist()
        padded = x.new_zeros(max(counts), *x.shape[1:])  # for gloo gathers tensors of one shape
        padded[: x.shape[0]] = x.detach()
        rows = [torch.empty_like(padded) for _ in counts]
        dist.all_gather(rows, padded, group=self.group)
        out = x.new_empty(self.num_dst, *x.shape[1:])
        for process, count in enumerate(counts):
            out[(self.owner == process).to(x.device)] = rows[process][:count]
        return out

    def to(self, device: torch.device | str) -> Part:
        """The same part with its tensors on another device."""
        return replace(
            self,
            nodes=self.nodes.to(device),
            src_nodes=self.src_nodes.to(device),
            halo_nodes=self.halo_nodes.to(device),
            graph=self.graph.to(device),
            edge_ids=self.edge_ids.to(device),
            places=self.places.to(device),
            send_index=[index.to(device) for index in self.send_index],
            whole=None if self.whole is None else self.whole.to(device),
            _split=None,
        )

    def __repr__(self) -> str:
        return (
            f"Part(rank={self.rank} of {self.world_size}, nodes={self.nodes.numel()} of {self.num_dst}, "
            f"edges={self.edge_ids.numel()} of {self.num_edges}, halo={self.halo_nodes.numel()})"
        )
