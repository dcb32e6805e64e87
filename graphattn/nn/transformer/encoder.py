"""The Transformer encoder on a graph: the layer and a stack of layers."""

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
    """The Transformer encoder layer: attention over the in-neighbors, then a feed-forward network.

        y = x + dropout(MHA(norm(x))),   out = y + dropout(W_2 dropout(gelu(W_1 norm(y))))          norm_first
        y = norm(x + dropout(MHA(x))),   out = norm(y + dropout(W_2 dropout(gelu(W_1 y))))          otherwise

    On `ga.complete(sizes)` this is the encoder layer of a Transformer, ViT or BERT; on a causal graph, that of GPT; on
    the bonds of a molecule, that of a graph Transformer.

    Args:
        embed_dim: width of the nodes' features.
        num_heads: attention heads; divides `embed_dim`.
        ffn_dim: hidden width of the feed-forward network; 4 · `embed_dim` when None.
        edge_dim: width of edge features; None for none.
        dropout: dropout probability in the feed-forward network and on both branches.
        attention_dropout: dropout probability on the attention weights.
        score: see `MultiheadAttention`.
        normalize: see `MultiheadAttention`.
        attention: a module called as `attention(x, graph)`, instead of a `MultiheadAttention` built from these options;
            for example one with fewer key heads or rotary positions, or `LinformerAttention`.
        norm_first: whether the norms come before the branches (pre-norm) or after the sums (post-norm).
        activation: activation of the feed-forward network; GELU when None.

    Shapes:
        x `[N, embed_dim]`, edge_attr `[E, edge_dim]` → `[N, embed_dim]`.

    Raises:
        ValueError: an argument is out of range, or `attention` is combined with options of the attention.

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
        """Apply the layer.

        Args:
            x: features of the nodes, `[N, embed_dim]`.
            graph: the graph, or its `edge_index`, `[2, E]`.
            edge_attr: edge features, `[E, edge_dim]`.
            **options: further arguments of the attention: `edge_bias`, `position`.
        """
        if edge_attr is not None:
            options["edge_attr"] = edge_attr
        attend = partial(self.attention, graph=graph, **options)
        x = residual(x, attend, self.attention_norm, self.dropout, self.norm_first)
        return residual(x, self.ffn, self.ffn_norm, self.dropout, self.norm_first)


class TransformerEncoder(NotScriptable, nn.Module):
    """A stack of layers on the same graph.

        x ← layer_l(x, graph),  l = 1, ..., L;   out = norm(x)

    Args:
        layers: each called as `layer(x, graph)`, such as a `GraphTransformerLayer`.
        norm: final norm, needed by pre-norm layers; None for none.
        bias: computes the `edge_bias` of all layers from the graph, such as `RelativeBias` or `ALiBi` (see
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
        """Run all layers; the arguments are those of a layer.

        Raises:
            ValueError: `edge_bias` is given although the encoder has `bias`.
        """
        graph = as_graph(graph, x.shape[0], x.shape[0])
        if self.bias is not None:
            if "edge_bias" in options:
                raise ValueError("edge_bias is given, but the encoder computes it by its own bias")
            options["edge_bias"] = self.bias(graph)
        for layer in self.layers:
            x = layer(x, graph, edge_attr, **options)
        return x if self.norm is None else self.norm(x)
