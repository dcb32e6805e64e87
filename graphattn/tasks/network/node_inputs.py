"""What a network for nodes is called with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from graphattn.graph import Graph

if TYPE_CHECKING:
    from graphattn.tasks.network.features import NodeFeatures
    from graphattn.tasks.network.network import Network


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

    def to(self, device: torch.device | str) -> NodeInputs:
        """Return the same on a device."""
        edge_attr = None if self.edge_attr is None else self.edge_attr.to(device)
        return NodeInputs(self.x.to(device), self.graph.to(device), edge_attr)
