"""A head that gives one output per graph."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from graphattn.graph import Graph, as_graph
from graphattn.nn.heads.pooling import AttentionPooling
from graphattn.nn.positions.place import sizes_of
from graphattn.nn.scripting import NotScriptable

Pooling = Literal["mean", "first", "attention"]


class GraphHead(NotScriptable, nn.Module):
    """One output per graph, such as the class of a sentence or the solubility of a molecule.

        out_g = W dropout(pool_{i ∈ g} x_i) + b

    Args:
        embed_dim: width of the nodes.
        num_outputs: number of classes or targets.
        pooling: "mean" over the nodes; "first", the first node of each graph, a class token (BERT, ViT); or
            "attention" (`AttentionPooling`).
        num_heads: number of heads of `pooling="attention"`.
        dropout: dropout probability on the pooled vectors.

    Shapes:
        x `[N, embed_dim]`, a batch of G graphs → `[G, num_outputs]`. The mean of a graph without nodes is
        zero.

    Raises:
        ValueError: unknown pooling; x does not have one row per node; with "first", a graph has no nodes.
    """

    def __init__(
        self,
        embed_dim: int,
        num_outputs: int,
        *,
        pooling: Pooling = "mean",
        num_heads: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if pooling not in get_args(Pooling):
            raise ValueError(f"pooling is one of {', '.join(get_args(Pooling))}; got {pooling!r}")
        self.pooling = pooling
        self.attention = AttentionPooling(embed_dim, num_heads) if pooling == "attention" else None
        self.dropout, self.out = nn.Dropout(dropout), nn.Linear(embed_dim, num_outputs)

    def forward(self, x: Tensor, graph: Graph | Tensor) -> Tensor:
        """Compute the outputs of the graphs in a batch; an `edge_index` stands for a single graph."""
        return self.out(self.dropout(self.pool(x, graph)))

    def pool(self, x: Tensor, graph: Graph | Tensor) -> Tensor:
        """One vector per graph, `[G, embed_dim]`."""
        sizes = sizes_of(as_graph(graph, x.shape[0], x.shape[0]))[0]
        size = torch.tensor(sizes, dtype=torch.int64, device=x.device)
        if self.pooling == "first":
            if 0 in sizes:
                raise ValueError("every graph has a first node, but one of the batch has none")
            return x[size.cumsum(0) - size]
        batch = torch.arange(len(sizes), device=x.device).repeat_interleave(size, output_size=x.shape[0])
        if self.attention is not None:
            return self.attention(x, batch, len(sizes))
        return x.new_zeros(len(sizes), x.shape[1]).index_add(0, batch, x) / size.clamp(min=1).unsqueeze(1)
