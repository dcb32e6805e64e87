"""Pooling of the nodes of each graph to one vector, by attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphattn.nn.node_sets import members_of
from graphattn.nn.scripting import NotScriptable
from graphattn.ops.attention import attention


class AttentionPooling(NotScriptable, nn.Module):
    """Weighted mean of the nodes of each graph, with weights computed from a learned query per head.

        out_g = W_o [ Σ_{i ∈ g} α_i^h W_v^h x_i ]_h,   α^h = softmax_{i ∈ g} ⟨query^h, W_k^h x_i⟩ / √D

    Computed by the attention operator on the bipartite graph with one edge from each node to its graph.

    Args:
        in_channels: width of the nodes' features and of the result; `num_heads` divides it.
        num_heads: the number of heads H.

    Shapes:
        x `[N, in_channels]`, batch `[N]` (the graph of each node, in any order) → `[num_graphs, in_channels]`; weights
        `[N, H]`. A graph without nodes gets the bias of W_o.

    Lee et al. 2019, arXiv:1810.00825, section 3.2 (pooling by multi-head attention, one seed);
    Ilse et al. 2018, arXiv:1802.04712.
    """

    def __init__(self, in_channels: int, num_heads: int = 1) -> None:
        super().__init__()
        if num_heads < 1 or in_channels % num_heads:
            raise ValueError(f"num_heads={num_heads} does not divide in_channels={in_channels}")
        self.in_channels, self.num_heads = in_channels, num_heads
        self.query = nn.Parameter(torch.empty(num_heads, in_channels // num_heads))
        self.k_proj = nn.Linear(in_channels, in_channels)
        self.v_proj = nn.Linear(in_channels, in_channels)
        self.out_proj = nn.Linear(in_channels, in_channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights: Glorot uniform, biases 0."""
        for parameter in self.parameters():
            if parameter.ndim == 1:
                nn.init.zeros_(parameter)
            else:
                nn.init.xavier_uniform_(parameter)

    def forward(
        self, x: Tensor, batch: Tensor, num_graphs: int, *, return_weights: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Pool the nodes of each graph.

        Raises:
            ValueError: `batch` is not one graph index below `num_graphs` per node.
        """
        if batch.shape != x.shape[:1]:
            raise ValueError(f"batch holds the graph of each of {x.shape[0]} nodes, got shape {list(batch.shape)}")
        if num_graphs < 0:
            raise ValueError(f"num_graphs must not be negative, got {num_graphs}")
        graph = members_of(batch, num_graphs, name="batch")
        split = (-1, self.num_heads, self.in_channels // self.num_heads)
        k, v = self.k_proj(x).view(split), self.v_proj(x).view(split)
        q = self.query.expand(num_graphs, -1, -1)
        if return_weights:
            out, weights = attention(q, k, v, graph, return_weights=True)
            return self.out_proj(out.flatten(1)), weights
        out = attention(q, k, v, graph)
        assert isinstance(out, Tensor)
        return self.out_proj(out.flatten(1))
