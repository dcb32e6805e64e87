"""The pre-norm Transformer block on a graph."""

from __future__ import annotations

from torch import Tensor, nn

from graphattn.graph import Graph
from graphattn.nn.attention import MultiheadAttention, ScoreName


class GraphTransformerLayer(nn.Module):
    """Attention over the in-neighbours, then a feed-forward network, each on a normalised residual branch.

        y = x + dropout(MHA(norm(x))),   out = y + dropout(W_2 dropout(gelu(W_1 norm(y))))

    Args:
        embed_dim: width of the nodes' features.
        num_heads: attention heads; divides `embed_dim`.
        ffn_dim: width inside the feed-forward network; 4 · `embed_dim` when None.
        edge_dim: width of edge features; None for none.
        dropout: inside the feed-forward network and on both branches, in training.
        attention_dropout: on the attention weights, in training.
        score: see `MultiheadAttention`.
        normalize: see `MultiheadAttention`.

    Shapes:
        x `[N, embed_dim]`, edge_attr `[E, edge_dim]` → `[N, embed_dim]`.

    Xiong et al. 2020, arXiv:2002.04745, figure 1b (pre-norm); Dwivedi & Bresson 2021, arXiv:2012.09699 (on graphs).
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
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(embed_dim)
        self.attention = MultiheadAttention(
            embed_dim, num_heads, edge_dim=edge_dim, dropout=attention_dropout, score=score, normalize=normalize
        )
        self.ffn_norm = nn.LayerNorm(embed_dim)
        ffn_dim = 4 * embed_dim if ffn_dim is None else ffn_dim
        self.ffn = nn.Sequential(
            nn.Linear(embed_dim, ffn_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(ffn_dim, embed_dim)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, graph: Graph | Tensor, edge_attr: Tensor | None = None) -> Tensor:
        """One block; see the class. An `edge_index` `[2, E]` serves in place of the graph."""
        attended = self.attention(self.attention_norm(x), graph, edge_attr=edge_attr)
        x = x + self.dropout(attended)
        return x + self.dropout(self.ffn(self.ffn_norm(x)))
