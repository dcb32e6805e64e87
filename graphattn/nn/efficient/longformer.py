"""Longformer's attention: global nodes look with projections of their own."""

from __future__ import annotations

from torch import Tensor, nn

from graphattn.graph import Graph, bipartite
from graphattn.nn.checks import check_dropout
from graphattn.nn.positions.place import places, sizes_of
from graphattn.nn.scripting import NotScriptable
from graphattn.ops.attention import attention


class LongformerAttention(NotScriptable, nn.Module):
    """Multi-head attention in which the first nodes of each sequence are global: they see all of it in another way.

        out_i = W_o Σ_{j ∈ N(i)} softmax_j(⟨W_q x_i, W_k x_j⟩ / √D) W_v x_j                      a local node
        out_i = W_o Σ_{j in its sequence} softmax_j(⟨W_q^g x_i, W_k^g x_j⟩ / √D) W_v^g x_j       a global one

    The graph says what local nodes see, global ones among it: for Longformer, a window and a hub. The projections of
    global nodes start as copies of the others.

    Args:
        embed_dim: width of nodes and of the output; `num_heads` divides it.
        num_heads: the number of heads.
        num_global: how many nodes of each sequence are global; all, where there are no more.
        dropout: on the weights, in training.

    Shapes:
        x `[N, embed_dim]` → `[N, embed_dim]`.

    Raises:
        ValueError: a number is out of range.

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
        """Draw new weights: Glorot uniform, biases 0; those of global nodes are copies."""
        for linear in (self.q_proj, self.k_proj, self.v_proj, self.out_proj):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)
        self.q_global.load_state_dict(self.q_proj.state_dict())
        self.k_global.load_state_dict(self.k_proj.state_dict())
        self.v_global.load_state_dict(self.v_proj.state_dict())

    def forward(self, x: Tensor, graph: Graph) -> Tensor:
        """Attend within each sequence of a graph of kinds that know their sizes, such as `union(window, hub)`."""
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
