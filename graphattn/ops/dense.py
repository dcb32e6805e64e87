"""Complete, causal and bipartite graphs: PyTorch's scaled_dot_product_attention, which is made for them."""

from __future__ import annotations

from collections import Counter

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
    """Run one call that `refusal` has let pass: graphs of one size together."""
    graph, q, k, v = call.graph, call.q, call.k, call.v
    assert isinstance(graph, Complete | Causal | Bipartite) and q is not None and k is not None
    sizes = list(zip(graph.dst_sizes, graph.src_sizes, strict=True))
    if not sizes:
        return _attend(q[None], k[None], v[None], call)
    if len(set(sizes)) == 1:
        queries, sources = ((len(sizes), size) for size in sizes[0])
        return _attend(q.unflatten(0, queries), k.unflatten(0, sources), v.unflatten(0, sources), call)
    if len(set(sizes)) == len(sizes):  # they lie as they are needed
        parts = zip(q.split(graph.dst_sizes), k.split(graph.src_sizes), v.split(graph.src_sizes), strict=True)
        return torch.cat([_attend(a[None], b[None], c[None], call) for a, b, c in parts])
    order = sorted(range(len(sizes)), key=sizes.__getitem__)
    rows, columns = (_rows(starts, order, graph.device) for starts in (graph.dst_ptr, graph.src_ptr))
    lengths = Counter(sizes[i] for i in order)
    grouped = zip(
        q.index_select(0, rows).split([n * count for (n, _), count in lengths.items()]),
        k.index_select(0, columns).split([m * count for (_, m), count in lengths.items()]),
        v.index_select(0, columns).split([m * count for (_, m), count in lengths.items()]),
        lengths.items(),
        strict=True,
    )
    together = [
        _attend(a.unflatten(0, (count, n)), b.unflatten(0, (count, m)), c.unflatten(0, (count, m)), call)
        for a, b, c, ((n, m), count) in grouped
    ]
    return torch.cat(together).index_select(0, rows.argsort())


def _rows(starts: Tensor, order: list[int], device: torch.device) -> Tensor:
    """The rows of graphs in another order, `starts` being where each begins, and in the end their number."""
    chosen = torch.tensor(order, device=device)
    sizes = starts.diff()[chosen]
    before = sizes.cumsum(0) - sizes
    return torch.arange(int(starts[-1]), device=device) + (starts[chosen] - before).repeat_interleave(sizes)


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
