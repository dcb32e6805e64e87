"""The linear backend: normalize="linear" with a dot score, where the sums over the keys serve all queries.

    out_i = φ(q_i) Σ_j φ(k_j) v_jᵀ / φ(q_i) Σ_j φ(k_j)

The caller has applied the feature map φ. On complete and bipartite graphs the sums over j are the same for all i; on a
causal one they are accumulated chunk by chunk; on any other graph one pass over the edges sums the unnormalized weights
times the values, which are extended by a one for the denominator. The cost is linear in nodes and edges.

Katharopoulos et al. 2020, arXiv:2006.16236, eq. 4-12; in chunks: Hua et al. 2022, arXiv:2202.10447, section 3.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from graphattn.graph import Bipartite, Causal, Complete
from graphattn.ops.arguments import AttentionCall
from graphattn.ops.backend import Answer, Attend, Backend, CostOf
from graphattn.ops.by_size import attend_by_size
from graphattn.ops.cost import Cost, cost_of_gathering, cost_of_pairs, key_width
from graphattn.ops.precision import wide
from graphattn.ops.scores import Dot

CHUNK = 64  # positions of a causal sequence that are compared pair by pair


def refusal(call: AttentionCall) -> str | None:
    """Why linear attention cannot run a call, or None if it can."""
    if call.normalize != "linear" or not isinstance(call.score, Dot):
        return 'it computes score="dot" with normalize="linear" only'
    if any(name.startswith("edge_") for name in call.tensors):
        return "it takes no edge tensors"
    if call.dropout:
        return "it has no weights for dropout to act on"
    return "it gives no weights" if call.return_weights else None


def run(call: AttentionCall, attend: Attend) -> Answer:
    """Run one call that `refusal` accepts."""
    assert call.q is not None and call.k is not None
    q, k, v = wide(call.q) * call.scale, wide(call.k), F.pad(wide(call.v), (0, 1), value=1.0)
    graph = call.graph
    both: Answer
    if isinstance(graph, Complete | Bipartite):
        both = attend_by_size(_all_see_all, q, k, v, graph)
    elif isinstance(graph, Causal):
        both = attend_by_size(_causal, q, k, v, graph)
    else:
        both = attend(replace(call, q=q, k=k, v=v, normalize="identity", scale=1.0))
    assert isinstance(both, Tensor)
    out, total = both[..., :-1], both[..., -1:]
    return (out / torch.where(total == 0, 1, total)).to(call.v.dtype)


def cost(call: AttentionCall, cost_of: CostOf) -> Cost:
    """2·D·(Dv + 1) operations for each head of a destination and of a source, and the pairs of chunks if causal."""
    graph = call.graph
    if not isinstance(graph, Complete | Bipartite | Causal):
        return cost_of_gathering(call, cost_of)
    key_heads, value_width = call.v.shape[1:]
    width = key_width(call)
    flops = 2 * width * (value_width + 1) * (graph.num_dst * call.heads + graph.num_src * key_heads)
    if isinstance(graph, Causal):
        flops += 2 * call.heads * (width + value_width + 1) * CHUNK * graph.num_dst
    return Cost(flops, cost_of_pairs(call, 0).bytes)


def _all_see_all(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Σ_j ⟨q_i, k_j⟩ v_j in each graph of a batch."""
    state = torch.einsum("bnhd,bnhv->bhdv", k, v)
    return torch.einsum("bmhgd,bhdv->bmhgv", _grouped(q, k), state).flatten(2, 3).flatten(0, 1)


def _causal(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Σ_{j ≤ i} ⟨q_i, k_j⟩ v_j: within a chunk pair by pair, before it by the sum over all chunks before."""
    length = q.shape[1]
    padding = (0, 0, 0, 0, 0, -length % CHUNK)
    chunks = (-(-length // CHUNK), CHUNK)
    q, k, v = (F.pad(x, padding).unflatten(1, chunks) for x in (q, k, v))  # [B, chunks, CHUNK, H, D]
    q = _grouped(q, k)
    state = torch.einsum("bcnhd,bcnhv->bchdv", k, v)
    before = state.cumsum(1) - state
    pairs = torch.einsum("bcmhgd,bcnhd->bchgmn", q, k).tril()
    out = torch.einsum("bchgmn,bcnhv->bcmhgv", pairs, v) + torch.einsum("bcmhgd,bchdv->bcmhgv", q, before)
    return out.flatten(3, 4).flatten(1, 2)[:, :length].flatten(0, 1)


def _grouped(q: Tensor, k: Tensor) -> Tensor:
    """Queries `[..., H, D]` as `[..., Hk, G, D]`: the G heads that share a key head together."""
    return q.unflatten(-2, (k.shape[-2], -1))


LINEAR = Backend(
    name="linear",
    summary="sums over the keys made once for all queries, at a cost linear in the nodes",
    refusal=refusal,
    run=run,
    cost=cost,
)
