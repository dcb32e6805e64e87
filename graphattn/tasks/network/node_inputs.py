"""What a network is called with: for nodes, for pairs of nodes, for whole graphs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch
from torch import Tensor

from graphattn.graph import Graph

if TYPE_CHECKING:
    from graphattn.tasks.network.features import NodeFeatures
    from graphattn.tasks.network.network import Network


class Inputs(Protocol):
    """What every kind of network is called with, `network(*inputs)`: features, edges, their features, and the rest."""

    @property
    def kind(self) -> str:
        """Which network it is for: "nodes", "pairs" or "graphs"."""

    def sizes(self) -> dict[str, Any]:
        """Return the sizes that the network is built with, but the number of outputs."""

    def to(self, device: torch.device | str) -> Inputs:
        """Return the same on a device."""

    def __iter__(self) -> Iterator[Any]: ...


class NodeInputs(NamedTuple):
    """Features `[N, F]` (strided or CSR), edges, and the edges' features `[E, d]` or None."""

    x: Tensor
    graph: Graph
    edge_attr: Tensor | None = None

    @classmethod
    def of(cls, network: Network, features: NodeFeatures) -> NodeInputs:
        """Return what `features` makes of a network."""
        edge_index, edge_attr = features.edges(network)
        return cls(features.transform(network), Graph(edge_index, len(network.ids)), edge_attr)

    @property
    def kind(self) -> str:
        """See `Inputs`."""
        return "nodes"

    def sizes(self) -> dict[str, Any]:
        """See `Inputs`."""
        return {"in_dim": self.x.shape[1], "edge_dim": None if self.edge_attr is None else self.edge_attr.shape[1]}

    def to(self, device: torch.device | str) -> NodeInputs:
        """See `Inputs`."""
        edge_attr = None if self.edge_attr is None else self.edge_attr.to(device)
        return NodeInputs(self.x.to(device), self.graph.to(device), edge_attr)


@dataclass(frozen=True)
class PairInputs:
    """The inputs of nodes, P pairs of them `[P, 2]`, and facts about each pair `[P, d]`."""

    nodes: NodeInputs
    pairs: Tensor
    facts: Tensor
    directed: bool

    @property
    def kind(self) -> str:
        """See `Inputs`."""
        return "pairs"

    def sizes(self) -> dict[str, Any]:
        """See `Inputs`."""
        return self.nodes.sizes() | {"pair_dim": self.facts.shape[1], "directed": self.directed}

    def to(self, device: torch.device | str) -> PairInputs:
        """See `Inputs`."""
        return PairInputs(self.nodes.to(device), self.pairs.to(device), self.facts.to(device), self.directed)

    def __iter__(self) -> Iterator[Any]:
        return iter((*self.nodes, self.pairs, self.facts))


@dataclass(frozen=True)
class GraphInputs:
    """The inputs of nodes, the graph of each `[N]`, and the number of nodes of each graph `[G]`."""

    nodes: NodeInputs
    graph_of: Tensor
    counts: Tensor

    @property
    def kind(self) -> str:
        """See `Inputs`."""
        return "graphs"

    def sizes(self) -> dict[str, Any]:
        """See `Inputs`."""
        return self.nodes.sizes()

    def to(self, device: torch.device | str) -> GraphInputs:
        """See `Inputs`."""
        return GraphInputs(self.nodes.to(device), self.graph_of.to(device), self.counts.to(device))

    def __iter__(self) -> Iterator[Any]:
        return iter((*self.nodes, self.graph_of, self.counts))
