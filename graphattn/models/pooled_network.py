"""A network for whole graphs: one answer for each of many."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graphattn.models.node_network import NodeNetwork


class PooledNetwork(nn.Module):
    """Predict something of each graph from all of its nodes.

        h = NodeNetwork(x, edges)
        y_g = MLP([mean h_i, max h_i, log(1 + n_g)]),  i the n_g nodes of graph g

    Args:
        in_dim: width F of the nodes' features.
        out_dim: number of outputs C.
        hidden_dim: width of the layers.
        dropout: of what a layer returns.
        **shape: more settings of `NodeNetwork`.

    Shapes:
        x `[N, F]`, edges `Graph` or `[2, E]`, edge_attr `[E, edge_dim]` or None, graph_of `[N]` with numbers below G,
        sizes `[G]`, the numbers of nodes of the graphs → `[G, C]`. A graph without nodes has zeros for mean and max.
    """

    def __init__(self, in_dim: int, out_dim: int, *, hidden_dim: int = 64, dropout: float = 0.5, **shape: Any) -> None:
        super().__init__()
        self.nodes = NodeNetwork(in_dim, hidden_dim, hidden_dim=hidden_dim, dropout=dropout, **shape)
        self.head = nn.Sequential(
            nn.Linear(2 * hidden_dim + 1, hidden_dim), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden_dim, out_dim)
        )

    def forward(self, x: Tensor, edges: Any, edge_attr: Tensor | None, graph_of: Tensor, sizes: Tensor) -> Tensor:
        """Return the outputs `[G, C]`."""
        h = self.nodes(x, edges, edge_attr)
        count = sizes.to(h.dtype).unsqueeze(1)
        nothing = h.new_zeros(len(sizes), h.shape[1])
        mean = nothing.index_add(0, graph_of, h) / count.clamp(min=1)
        most = nothing.scatter_reduce(0, graph_of.unsqueeze(1).expand_as(h), h, "amax", include_self=False)
        found: Tensor = self.head(torch.cat([mean, most, count.log1p()], dim=1))
        return found
