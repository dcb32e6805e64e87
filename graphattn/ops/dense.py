"""Complete, causal and bipartite graphs: PyTorch's scaled_dot_product_attention, which is made for them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from graphattn.graph import Bipartite, Causal, Complete
from graphattn.ops.call import AttentionCall
from graphattn.ops.scores import Dot


def refusal(call: AttentionCall) -> str | None:
    """Why the dense path cannot serve a call, or None if it can."""
    if not isinstance(call.graph, Complete | Causal | Bipartite):
        return "the graph is not known to be complete, causal or bipartite"
    if not isinstance(call.score, Dot) or call.normalize != "softmax":
        return 'it computes score="dot" with normalize="softmax" only'
    if any(name.startswith("edge_") for name in call.tensors):
        return "it takes no edge tensors"
    if call.dropout:
        return "its dropout would not draw the mask of the other backends"
    if call.return_weights or call.return_state:
        return "it gives neither weights nor states"
    return None


def attention(call: AttentionCall) -> Tensor:
    """Run one call that `refusal` has let pass: graphs of one size together, others one after another."""
    graph, q, k, v = call.graph, call.q, call.k, call.v
    assert isinstance(graph, Complete | Causal | Bipartite) and q is not None and k is not None
    count = graph.num_graphs
    if count == 0:
        batches = [(q[None], k[None], v[None])]
    elif len(set(zip(graph.dst_sizes, graph.src_sizes, strict=True))) == 1:
        queries, sources = (count, graph.dst_sizes[0]), (count, graph.src_sizes[0])
        batches = [(q.unflatten(0, queries), k.unflatten(0, sources), v.unflatten(0, sources))]
    else:
        parts = (q.split(graph.dst_sizes), k.split(graph.src_sizes), v.split(graph.src_sizes))
        batches = [(a[None], b[None], c[None]) for a, b, c in zip(*parts, strict=True)]
    return torch.cat([_attend(a, b, c, call) for a, b, c in batches])


def _attend(q: Tensor, k: Tensor, v: Tensor, call: AttentionCall) -> Tensor:
    """Attention of `[B, L, H, D]` queries, packed again to `[B·L, H, Dv]`."""
    if k.shape[1] == 0:  # a sum of nothing: zeros that know where they come from
        k, v = (tensor.repeat_interleave(q.shape[2] // tensor.shape[2], dim=2) for tensor in (k, v))
        return torch.einsum("blhd,bshd,bshv->blhv", q, k, v).flatten(0, 1)
    out = F.scaled_dot_product_attention(
        q.transpose(1, 2),
        k.transpose(1, 2),
        v.transpose(1, 2),
        is_causal=isinstance(call.graph, Causal),
        scale=call.scale,
        enable_gqa=q.shape[2] != k.shape[2],
    )
    return out.transpose(1, 2).flatten(0, 1)
