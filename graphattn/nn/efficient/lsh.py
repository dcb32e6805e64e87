"""Reformer's attention: shared queries and keys, compared within the buckets of a locality-sensitive hash."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from graphattn.graph import Causal, Graph
from graphattn.graph.lsh import check_hash, connect
from graphattn.nn.positions.place import sizes_of
from graphattn.nn.scripting import NotScriptable
from graphattn.ops.attention import attention


class LSHAttention(NotScriptable, nn.Module):
    """Multi-head attention with shared queries and keys, on the graph given by their hash buckets.

        q_j = W_q x_j,   k_j = q_j / |q_j|,   N(i) = { j ≠ i : h_r(q_i) = h_r(q_j) in some round r }

    A node attends to itself only if it has no other neighbor. Each head has its own buckets; see `ga.lsh` for chunks.
    The hash is drawn anew at each call and has no gradient. One softmax over the edges of all rounds equals the paper's
    sum over rounds, in which each round is weighted by its exp(log-sum-exp) and a pair found N times counts 1 / N each
    time.

    Args:
        embed_dim: width of nodes and of the output; `num_heads` divides it.
        num_heads: the number of heads.
        num_buckets: the number of hash buckets; even.
        rounds: the number of hashes.
        chunk_size: the length of Reformer's chunks; None for whole buckets.
        dropout: dropout probability on the attention weights.

    Shapes:
        x `[N, embed_dim]` → `[N, embed_dim]`.

    Raises:
        TypeError: `num_buckets`, `rounds` or `chunk_size` is not an integer.
        ValueError: an argument is out of range, or `num_buckets` is odd.

    Kitaev et al. 2020, arXiv:2001.04451, section 2 and appendix A.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        *,
        num_buckets: int,
        rounds: int = 1,
        chunk_size: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"num_heads={num_heads} does not divide embed_dim={embed_dim}")
        check_hash(num_buckets, rounds, chunk_size)
        self.num_heads, self.dropout = num_heads, dropout
        self.num_buckets, self.rounds, self.chunk_size = num_buckets, rounds, chunk_size
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=False)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=False)
        self.out_proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x: Tensor, graph: Graph) -> Tensor:
        """Attend within each graph of a batch; on `ga.causal(sizes)`, to earlier nodes only."""
        H = self.num_heads
        heads = [proj(x).unflatten(1, (H, -1)).transpose(0, 1).flatten(0, 1) for proj in (self.q_proj, self.v_proj)]
        q, v = (each.unsqueeze(1) for each in heads)  # [H·N, 1, D]: each head as a batch of its own
        sizes, causal = sizes_of(graph)[0] * H, isinstance(graph, Causal)
        alike = connect(heads[0].detach(), sizes, self.num_buckets, self.rounds, self.chunk_size, causal)
        out = attention(q, F.normalize(q, dim=-1), v, alike, dropout=self.dropout if self.training else 0.0)
        assert isinstance(out, Tensor)
        return self.out_proj(out.view(H, x.shape[0], -1).transpose(0, 1).flatten(1))
