"""Longformer's attention, with separate projections for global nodes."""

from __future__ import annotations

from torch import Tensor, nn

from graphattn.graph import Graph, bipartite
from graphattn.nn.checks import check_dropout
from graphattn.nn.positions.place import places, sizes_of
from graphattn.nn.scripting import NotScriptable
from graphattn.ops.attention import attention


class LongformerAttention(NotScriptable, nn.Module):
    """Multi-head attention in which the first nodes of each sequence are global, with projections of their own.

        out_i = W_o Σ_{j ∈ N(i)} softmax_j(⟨W_q x_i, W_k x_j⟩ / √D) W_v x_j                      for a local node
        out_i = W_o Σ_{j in its sequence} softmax_j(⟨W_q^g x_i, W_k^g x_j⟩ / √D) W_v^g x_j       for a global node

    The graph has the edges into local nodes, including those from global nodes: for Longformer, the union of a window
    and a hub. The global projections are initialized as copies of the local ones.

    Args:
        embed_dim: width of nodes and of the output; `num_heads` divides it.
        num_heads: the number of heads.
        num_global: the number of global nodes of each sequence; shorter sequences have global nodes only.
        dropout: dropout probability on the attention weights.

    Shapes:
        x `[N, embed_dim]` → `[N, embed_dim]`.

    Raises:
        ValueError: an argument is out of range.

    Beltagy et al. 2020, arXiv:2004.05150, section 3.1 ("Linear Projections for Global Attention").
    """

    def __init__(self, embed_dim: int, num_heads: int, *, num_global: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        if num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"num_heads={num_heads} does not divide embed_dim={embed_dim}")
        if num_global < 0:
            raise ValueError(f"num_global must not be negative, got {num_global}")
        check_dropout(dropout)
        self.num_heads, self.num_global, self.dropout = num_heads, num_global, dropout
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(embed_dim, embed_dim) for _ in range(3))
        self.q_global, self.k_global, self.v_global = (nn.Linear(embed_dim, embed_dim) for _ in range(3))
        self.out_proj = nn.Linear(embed_dim, embed_dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights: Glorot uniform, biases 0; the global projections are copies of the local ones."""
        for linear in (self.q_proj, self.k_proj, self.v_proj, self.out_proj):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)
        self.q_global.load_state_dict(self.q_proj.state_dict())
        self.k_global.load_state_dict(self.k_proj.state_dict())
        self.v_global.load_state_dict(self.v_proj.state_dict())

    def forward(self, x: Tensor, graph: Graph) -> Tensor:
        """Attend within each sequence; the graph must be of a kind with known sizes, such as `union(window, hub)`."""
        sizes, place = sizes_of(graph)[0], places(graph)[0]
        first = (place < self.num_global).nonzero().squeeze(1)
        to_all = bipartite([min(self.num_global, size) for size in sizes], sizes, device=graph.device)
        out = self._attend(self.q_proj(x), self.k_proj(x), self.v_proj(x), graph)
        of_global = self._attend(self.q_global(x[first]), self.k_global(x), self.v_global(x), to_all)
        return self.out_proj(out.index_copy(0, first, of_global))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, graph: Graph) -> Tensor:
        q, k, v = (rows.unflatten(1, (self.num_heads, -1)) for rows in (q, k, v))
        out = attention(q, k, v, graph, dropout=self.dropout if self.training else 0.0)
        assert isinstance(out, Tensor)
        return out.flatten(1)
