"""A network for pairs of nodes: will these two be linked?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graphattn.models.node_network import NodeNetwork


class PairNetwork(nn.Module):
    """Predict something of each pair of nodes from both, from their surroundings, and from facts about the pair.

        h = NodeNetwork(x, edges)
        y_uv = MLP([h_u ⊙ h_v, h_u + h_v, |h_u − h_v|, facts_uv])

    With `directed` the last difference keeps its sign; otherwise u and v may change places.

    Args:
        in_dim: width F of the nodes' features.
        out_dim: number of outputs C.
        pair_dim: number of facts d about each pair.
        directed: whether the pair u, v is another than v, u.
        hidden_dim: width of the layers.
        dropout: of what a layer returns.
        **shape: more settings of `NodeNetwork`.

    Shapes:
        x `[N, F]`, edges `Graph` or `[2, E]`, edge_attr `[E, edge_dim]` or None, pairs `[P, 2]`, facts `[P, d]` →
        `[P, C]`.
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        *,
        pair_dim: int,
        directed: bool = False,
        hidden_dim: int = 64,
        dropout: float = 0.5,
        **shape: Any,
    ) -> None:
        super().__init__()
        self.directed = directed
        self.nodes = NodeNetwork(in_dim, hidden_dim, hidden_dim=hidden_dim, dropout=dropout, **shape)
        self.head = nn.Sequential(
            nn.Linear(3 * hidden_dim + pair_dim, hidden_dim),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_dim, out_dim),
        )

    def forward(self, x: Tensor, edges: Any, edge_attr: Tensor | None, pairs: Tensor, facts: Tensor) -> Tensor:
        """Return the outputs `[P, C]`."""
        h = self.nodes(x, edges, edge_attr)
        one, other = h[pairs[:, 0]], h[pairs[:, 1]]
        apart = one - other
        parts = [one * other, one + other, apart if self.directed else apart.abs(), facts]
        found: Tensor = self.head(torch.cat(parts, dim=1))
        return found
