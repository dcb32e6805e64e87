"""Linformer: attention to a few landmarks, which are learned linear combinations of the nodes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphattn.graph import Complete, bipartite
from graphattn.nn.attention import MultiheadAttention
from graphattn.nn.scripting import NotScriptable


class LinformerAttention(NotScriptable, nn.Module):
    """Multi-head attention in which every node attends to R landmarks of its graph instead of to its nodes.

        key_r = W_k Σ_j E_rj x_j,   value_r = W_v Σ_j F_rj x_j,   r = 1, ..., R

    This is `MultiheadAttention` on `bipartite(n, R)`, with cost linear in n. Nodes are counted within each graph; a
    graph of fewer than `max_nodes` nodes uses the first columns of E and F.

    Args:
        embed_dim: width of nodes and of the output; `num_heads` divides it.
        num_heads: the number of heads.
        num_landmarks: R.
        max_nodes: the maximum number of nodes of a graph.
        share: whether E and F are the same matrix (the paper's "key-value sharing").
        dropout: dropout probability on the attention weights.

    Shapes:
        x `[N, embed_dim]` → `[N, embed_dim]`.

    Wang et al. 2020, arXiv:2006.04768, eq. 7.

    Example:
        >>> import torch, graphattn as ga
        >>> layer = ga.nn.LinformerAttention(16, num_heads=4, num_landmarks=8, max_nodes=100)
        >>> layer(torch.randn(70, 16), ga.complete([50, 20])).shape
        torch.Size([70, 16])
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        *,
        num_landmarks: int,
        max_nodes: int,
        share: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        for name, value in (("num_landmarks", num_landmarks), ("max_nodes", max_nodes)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        self.num_landmarks, self.max_nodes = num_landmarks, max_nodes
        self.attention = MultiheadAttention(embed_dim, num_heads, dropout=dropout)
        self.key_sums = nn.Parameter(torch.empty(num_landmarks, max_nodes))
        self.value_sums = None if share else nn.Parameter(torch.empty(num_landmarks, max_nodes))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights; E and F are Gaussian with variance 1 / R, as in the theorem of the paper."""
        self.attention.reset_parameters()
        for sums in (self.key_sums, self.value_sums):
            if sums is not None:
                nn.init.normal_(sums, std=self.num_landmarks**-0.5)

    def forward(self, x: Tensor, graph: Complete) -> Tensor:
        """Attend within each graph of a batch.

        Args:
            x: features of the nodes, `[N, embed_dim]`.
            graph: `complete(n)` or a batch of complete graphs, which gives the size of each graph.

        Raises:
            ValueError: a graph has more than `max_nodes` nodes, or `x` does not have one row per node.
            TypeError: the graph is not complete.
        """
        if not isinstance(graph, Complete):
            raise TypeError(f"graph is a complete graph, got {type(graph).__name__}")
        if x.shape[0] != graph.num_nodes:
            raise ValueError(f"x has {x.shape[0]} rows, but the graph has {graph.num_nodes} nodes")
        if max(graph.sizes, default=0) > self.max_nodes:
            raise ValueError(
                f"a graph has {max(graph.sizes)} nodes, but the layer was made for max_nodes={self.max_nodes}"
            )
        keys = self._landmarks(self.key_sums, x, graph)
        values = keys if self.value_sums is None else self._landmarks(self.value_sums, x, graph)
        landmarks = [self.num_landmarks] * graph.num_graphs
        out = self.attention(x, bipartite(graph.sizes, landmarks, device=graph.device), keys, values)
        assert isinstance(out, Tensor)
        return out

    def _landmarks(self, sums: Tensor, x: Tensor, graph: Complete) -> Tensor:
        return torch.cat([sums[:, : len(nodes)] @ nodes for nodes in x.split(graph.sizes)] or [x])
