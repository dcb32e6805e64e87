"""The Transformer's encoder on a graph: its layer, and a stack of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from torch import Tensor, nn

from graphattn.graph import Graph, as_graph
from graphattn.nn.attention import MultiheadAttention, ScoreName
from graphattn.nn.scripting import NotScriptable
from graphattn.nn.transformer.residual import feed_forward, residual


class GraphTransformerLayer(NotScriptable, nn.Module):
    """The Transformer's encoder layer: attention over the in-neighbors, then a feed-forward network.

        y = x + dropout(MHA(norm(x))),   out = y + dropout(W_2 dropout(gelu(W_1 norm(y))))          norm_first
        y = norm(x + dropout(MHA(x))),   out = norm(y + dropout(W_2 dropout(gelu(W_1 y))))          otherwise

    On `ga.complete(sizes)` it is the encoder layer of a Transformer, ViT or BERT, on a causal graph a GPT's, on a
    window Longformer's, on a molecule a graph Transformer's.

    Args:
        embed_dim: width of the nodes' features.
        num_heads: attention heads; divides `embed_dim`.
        ffn_dim: width inside the feed-forward network; 4 · `embed_dim` when None.
        edge_dim: width of edge features; None for none.
        dropout: inside the feed-forward network and on both branches, in training.
        attention_dropout: on the attention weights, in training.
        score: see `MultiheadAttention`.
        normalize: see `MultiheadAttention`.
        attention: a module to use instead of a `MultiheadAttention` made of these options, called as
            `attention(x, graph)`: one with fewer key heads, rotary positions or features of its own, or
            `LinformerAttention`.
        norm_first: whether the norms stand before the branches (pre-norm) or after the sums (post-norm).
        activation: of the feed-forward network; GELU when None.

    Shapes:
        x `[N, embed_dim]`, edge_attr `[E, edge_dim]` → `[N, embed_dim]`.

    Raises:
        ValueError: a number is out of range, or `attention` is given beside options for one.

    Vaswani et al. 2017, arXiv:1706.03762, section 3.1 (post-norm); Xiong et al. 2020, arXiv:2002.04745, figure 1b
    (pre-norm); Dwivedi & Bresson 2021, arXiv:2012.09699 (on graphs).
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        *,
        ffn_dim: int | None = None,
        edge_dim: int | None = None,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        score: ScoreName = "dot",
        normalize: str = "softmax",
        attention: nn.Module | None = None,
        norm_first: bool = True,
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if attention is None:
            attention = MultiheadAttention(
                embed_dim, num_heads, edge_dim=edge_dim, dropout=attention_dropout, score=score, normalize=normalize
            )
        elif (edge_dim, attention_dropout, score, normalize) != (None, 0.0, "dot", "softmax"):
            raise ValueError("edge_dim, attention_dropout, score and normalize are options of the module attention")
        self.attention_norm = nn.LayerNorm(embed_dim)
        self.attention = attention
        self.ffn_norm = nn.LayerNorm(embed_dim)
        self.ffn = feed_forward(embed_dim, ffn_dim, activation, dropout)
        self.dropout = nn.Dropout(dropout)
        self.norm_first = norm_first

    def forward(self, x: Tensor, graph: Graph | Tensor, edge_attr: Tensor | None = None, **options: Any) -> Tensor:
        """One layer; see the class.

        Args:
            x: features of the nodes, `[N, embed_dim]`.
            graph: who may look at whom, or its `edge_index`, `[2, E]`.
            edge_attr: edge features, `[E, edge_dim]`.
            **options: what else the attention takes: `edge_bias`, `position`.
        """
        if edge_attr is not None:
            options["edge_attr"] = edge_attr
        attend = partial(self.attention, graph=graph, **options)
        x = residual(x, attend, self.attention_norm, self.dropout, self.norm_first)
        return residual(x, self.ffn, self.ffn_norm, self.dropout, self.norm_first)


class TransformerEncoder(NotScriptable, nn.Module):
    """Layers one after another on the same graph.

        x ← layer_l(x, graph),  l = 1, ..., L;   out = norm(x)

    Args:
        layers: each called as `layer(x, graph)`, such as a `GraphTransformerLayer`.
        norm: at the end, which layers of pre-norm need; None for none.
        bias: gives the `edge_bias` of all layers when called with the graph, such as `RelativeBias` or `ALiBi` (see
            `graphattn.nn.positions`); None for none.

    Shapes:
        x `[N, embed_dim]` → `[N, embed_dim]`.

    Example:
        >>> import torch, graphattn as ga
        >>> layers = [ga.nn.GraphTransformerLayer(16, num_heads=4) for _ in range(2)]
        >>> encoder = ga.nn.TransformerEncoder(layers, norm=torch.nn.LayerNorm(16), bias=ga.nn.positions.ALiBi(4))
        >>> encoder(torch.randn(7, 16), ga.complete([4, 3])).shape  # two sequences, packed
        torch.Size([7, 16])

    Vaswani et al. 2017, arXiv:1706.03762, section 3.1.
    """

    def __init__(
        self, layers: Iterable[nn.Module], *, norm: nn.Module | None = None, bias: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.norm, self.bias = norm, bias

    def forward(self, x: Tensor, graph: Graph | Tensor, edge_attr: Tensor | None = None, **options: Any) -> Tensor:
        """All layers; arguments as for one.

        Raises:
            ValueError: `edge_bias` is given to an encoder that has a bias of its own.
        """
        graph = as_graph(graph, x.shape[0], x.shape[0])
        if self.bias is not None:
            if "edge_bias" in options:
                raise ValueError("edge_bias is given, but the encoder makes its own")
            options["edge_bias"] = self.bias(graph)
        for layer in self.layers:
            x = layer(x, graph, edge_attr, **options)
        return x if self.norm is None else self.norm(x)
