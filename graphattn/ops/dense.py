"""Complete, causal and bipartite graphs: PyTorch's scaled_dot_product_attention, which is made for them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from graphattn.graph import Bipartite, Causal, Complete
from graphattn.ops import tiled
from graphattn.ops.call import AttentionCall
from graphattn.ops.state import State

_Kind = Complete | Causal | Bipartite


def refusal(call: AttentionCall) -> str | None:
    """Why the dense path cannot serve a call, or None if it can."""
    if not isinstance(call.graph, _Kind):
        return "the graph is not known to be complete, causal or bipartite"
    return None if _is_plain(call) else tiled.refusal(call)


def attention(call: AttentionCall) -> Tensor | State:
    """Run one call that `refusal` has let pass; what PyTorch's function does not give, tile by tile."""
    return _attend_by_size(call) if _is_plain(call) else tiled.attention(call)


def _is_plain(call: AttentionCall) -> bool:
    """Whether PyTorch's function computes it as it is, and without a tensor of all pairs."""
    others = tiled.refusal_of_options(call) is not None or call.edge_bias is not None or call.return_state
    narrow = call.v.device.type == "cpu" and call.q is not None and call.q.shape[2] != call.v.shape[2]
    return not others and not (narrow and tiled.refusal(call) is None)


def _attend_by_size(call: AttentionCall) -> Tensor:
    """Graphs of one size run together, whatever their places in the batch, so that nothing is padded."""
    graph = call.graph
    assert isinstance(graph, _Kind)
    (q, k), v = tiled.as_dot(call), call.v
    sizes = list(zip(graph.dst_sizes, graph.src_sizes, strict=True))
    distinct = sorted(set(sizes))
    if len(distinct) <= 1:
        count = len(sizes)
        shapes = [(count, size) for size in distinct[0]] if distinct else [(1, 0), (1, 0)]
        return _attend(q.unflatten(0, shapes[0]), k.unflatten(0, shapes[1]), v.unflatten(0, shapes[1]), call)
    order = sorted(range(len(sizes)), key=lambda number: sizes[number])
    to_dst, to_src = _rows_of(graph.dst_ptr, order), _rows_of(graph.src_ptr, order)
    q, k, v = q.index_select(0, to_dst), k.index_select(0, to_src), v.index_select(0, to_src)
    counts = [sizes.count(size) for size in distinct]
    by_dst = [count * size for count, (size, _) in zip(counts, distinct, strict=True)]
    by_src = [count * size for count, (_, size) in zip(counts, distinct, strict=True)]
    outs = []
    parts = zip(counts, q.split(by_dst), k.split(by_src), v.split(by_src), strict=True)
    for (num_dst, num_src), (count, a, b, c) in zip(distinct, parts, strict=True):
        shapes = [(count, num_dst), (count, num_src)]
        outs.append(_attend(a.unflatten(0, shapes[0]), b.unflatten(0, shapes[1]), c.unflatten(0, shapes[1]), call))
    return torch.cat(outs).index_select(0, to_dst.argsort())


def _rows_of(ptr: Tensor, order: list[int]) -> Tensor:
    """The rows of packed graphs, graph by graph in another order."""
    first, size = ptr[:-1][order], ptr.diff()[order]
    total = int(ptr[-1])
    before = size.cumsum(0) - size
    return torch.arange(total, device=ptr.device) + (first - before).repeat_interleave(size, output_size=total)


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
