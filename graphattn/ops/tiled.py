"""Softmax attention over the tiles of a graph, each a small dense problem, on the CPU.

PyTorch's flash attention runs on every tile, with the places that do not see one another masked, and gives the
log-sum-exp from which the backward pass finds the weights again. At no time is more held than a set number of bytes
beside tensors of the size of the inputs and, where there is one, of the edge bias.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from graphattn.graph import Graph
from graphattn.graph.tiles import Tiles, tiles
from graphattn.ops.call import AttentionCall
from graphattn.ops.convention import wide_dtype
from graphattn.ops.scores import Cosine, Dot
from graphattn.ops.state import State

BUDGET = 2**26  # bytes that the copies of queries, keys, values and biases of the tiles at work may take

_HIDDEN = -1e30  # a score that leaves no weight; finite, so that rows that see nothing are numbers like others


def refusal(call: AttentionCall) -> str | None:
    """Why tiles cannot serve a call on a graph that has them, or None if they can."""
    why_not = refusal_of_options(call)
    if why_not is None and call.v.device.type != "cpu":
        return "edge biases, states and values of another width than the keys are for the CPU"
    if why_not is None and torch.compiler.is_compiling():
        return "tiles are not traced by torch.compile"
    return why_not


def refusal_of_options(call: AttentionCall) -> str | None:
    """Why neither tiles nor any dense path can serve a call, or None."""
    if not isinstance(call.score, Dot | Cosine) or call.normalize != "softmax":
        return 'it computes score="dot" or "cosine" with normalize="softmax" only'
    if isinstance(call.score, Cosine) and isinstance(call.score.beta, Tensor) and call.score.beta.ndim > 1:
        return "it takes no cosine score with one beta per edge"
    if any(name.startswith("edge_") and name != "edge_bias" for name in call.tensors):
        return "of edge tensors it takes edge_bias only"
    if call.dropout:
        return "its dropout would not draw the mask of the other backends"
    if call.return_weights:
        return "it gives no weights"
    return None


def attention(call: AttentionCall) -> Tensor | State:
    """Run one call that `refusal` has let pass."""
    q, k = as_dot(call)
    v = call.v
    width, value_width = k.shape[2], v.shape[2]
    if width != value_width:  # zeros add nothing to a product, and what they give is cut off
        most = max(width, value_width)
        q, k, v = (F.pad(tensor, (0, most - tensor.shape[2])) for tensor in (q, k, v))
    out, lse = _Attend.apply(q, k, v, call.edge_bias, call.graph, float(call.scale))
    out = out[..., :value_width]
    return State(out, lse) if call.return_state else out


def as_dot(call: AttentionCall) -> tuple[Tensor, Tensor]:
    """Queries and keys whose dot product is the score; those of a cosine have length β and 1."""
    q, k, score = call.q, call.k, call.score
    assert q is not None and k is not None
    if isinstance(score, Cosine):
        beta = score.beta.to(q.dtype).unsqueeze(-1) if isinstance(score.beta, Tensor) else score.beta
        q, k = F.normalize(q, dim=-1) * beta, F.normalize(k, dim=-1)
    return q, k


class _Work(NamedTuple):
    """Some tiles of one size, and the mask of their scores: `[1, 1, G·B, S]`, or `[tiles, Hk, G·B, S]` with a bias."""

    queries: Tensor  # [T, B]
    sources: Tensor  # [T, S]
    mask: Tensor | None
    places: Tensor | None  # [T, B, S], each edge's place in the order by destination; nonsense where there is none
    seen: Tensor | None  # [B, S]


class _Attend(torch.autograd.Function):
    """Output and log-sum-exp, with gradients of both."""

    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, graph: Graph, scale: float
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.graph, ctx.scale = graph, scale
        out = v.new_zeros(*q.shape[:2], v.shape[2])
        lse = q.new_full(q.shape[:2], -torch.inf, dtype=wide_dtype(q.dtype))
        for work in _works(graph, q, k, v, bias):
            q_t, (k_t, v_t) = _by_tile(q, work.queries, k.shape[1]), _sources(work, k, v)
            out_t, lse_t = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
                q_t, k_t, v_t, 0.0, False, attn_mask=work.mask, scale=scale
            )
            rows, heads = work.queries.flatten(), q.shape[1]
            out.index_copy_(0, rows, _by_node(out_t, work.queries.shape[1], heads))
            lse.index_copy_(0, rows, _by_node(lse_t.unsqueeze(-1), work.queries.shape[1], heads).squeeze(-1))
        if bias is not None:  # a destination all of whose edges are hidden has seen nothing
            blind = lse <= _HIDDEN / 2
            out.masked_fill_(blind.unsqueeze(-1), 0)
            lse.masked_fill_(blind, -torch.inf)
        ctx.save_for_backward(q, k, v, bias, out, lse)
        return out, lse

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor | None, grad_lse: Tensor | None) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                'attention in tiles has no second derivative; use backend="reference" for double backward'
            )
        q, k, v, bias, out, lse = ctx.saved_tensors
        if grad_out is None and grad_lse is None:
            return (None,) * 6
        grad_out = torch.zeros_like(out) if grad_out is None else grad_out
        blind = lse == -torch.inf
        if bias is not None:
            grad_out = grad_out.masked_fill(blind.unsqueeze(-1), 0)
        lse = lse.masked_fill(blind, 0)
        if grad_lse is not None:
            # One more number in each value, 1, makes dlse the last number of the gradient of the output; with 0 as the
            # last number of the output it is not taken off again: ds = p (⟨do, v⟩ + dlse − ⟨do, out⟩).
            grad_lse = grad_lse.masked_fill(blind, 0)
            last = grad_lse.unsqueeze(-1).to(q.dtype)
            q, k, v, out = F.pad(q, (0, 1)), F.pad(k, (0, 1)), F.pad(v, (0, 1), value=1.0), F.pad(out, (0, 1))
            grad_out = torch.cat([grad_out, last], dim=-1)
        grads = [torch.zeros_like(tensor) for tensor in (q, k, v)]
        grad_bias = None if bias is None or not ctx.needs_input_grad[3] else torch.zeros_like(bias)
        for work in _works(ctx.graph, q, k, v, bias):
            _backward_of(work, (q, k, v, out, lse, grad_out), grads, grad_bias, ctx.scale)
        if grad_lse is not None:
            grads = [grad[..., :-1] for grad in grads]
        return *grads, grad_bias, None, None


def _backward_of(
    work: _Work, tensors: Sequence[Tensor], grads: Sequence[Tensor], grad_bias: Tensor | None, scale: float
) -> None:
    """Add what some tiles give to the gradients."""
    q, k, v, out, lse, grad_out = tensors
    heads, key_heads = q.shape[1], k.shape[1]
    q_t, out_t, do_t = (_by_tile(tensor, work.queries, key_heads) for tensor in (q, out, grad_out))
    lse_t = _by_tile(lse.unsqueeze(-1), work.queries, key_heads).squeeze(-1)
    k_t, v_t = _sources(work, k, v)
    dq_t, dk_t, dv_t = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward(
        do_t, q_t, k_t, v_t, out_t, lse_t, 0.0, False, attn_mask=work.mask, scale=scale
    )
    grads[0].index_copy_(0, work.queries.flatten(), _by_node(dq_t, work.queries.shape[1], heads))
    for grad, part in zip(grads[1:], (dk_t, dv_t), strict=True):
        grad.index_add_(0, work.sources.flatten(), part.transpose(1, 2).flatten(0, 1))
    if grad_bias is not None:
        assert work.mask is not None and work.places is not None
        p = torch.matmul(q_t, k_t.transpose(-1, -2)).mul_(scale).add_(work.mask).sub_(lse_t.unsqueeze(-1)).exp_()
        delta = (do_t * out_t).sum(-1, keepdim=True)
        ds = torch.matmul(do_t, v_t.transpose(-1, -2)).sub_(delta).mul_(p)  # [T, Hk, G·B, S]
        ds = ds.unflatten(2, (-1, work.queries.shape[1])).flatten(1, 2).permute(0, 2, 3, 1)  # [T, B, S, H]
        if work.seen is None:
            grad_bias.index_copy_(0, work.places.flatten(), ds.flatten(0, 2))
        else:
            grad_bias.index_copy_(0, work.places[:, work.seen].flatten(), ds[:, work.seen].flatten(0, 1))


def _by_tile(tensor: Tensor, queries: Tensor, key_heads: int) -> Tensor:
    """Rows `[M, H, D]` of the tiles' destinations, `[T, Hk, G·B, D]`: the G heads that share a key are more rows."""
    rows = tensor.index_select(0, queries.flatten())
    groups = rows.shape[1] // key_heads
    rows = rows.view(*queries.shape, key_heads, groups, tensor.shape[2]).permute(0, 2, 3, 1, 4)  # [T, Hk, G, B, D]
    return rows.squeeze(2) if groups == 1 else rows.flatten(2, 3)


def _by_node(rows: Tensor, size: int, heads: int) -> Tensor:
    """What `_by_tile` made, for tiles of `size` destinations, as rows of nodes again: `[T·B, H, D]`."""
    return rows.unflatten(2, (-1, size)).permute(0, 3, 1, 2, 4).reshape(-1, heads, rows.shape[-1])


def _sources(work: _Work, k: Tensor, v: Tensor) -> list[Tensor]:
    """Keys and values of the tiles' sources, `[T, Hk, S, D]`."""
    rows = work.sources.flatten()
    return [x.index_select(0, rows).view(*work.sources.shape, *x.shape[1:]).transpose(1, 2) for x in (k, v)]


def _works(graph: Graph, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Iterator[_Work]:
    """The tiles of a graph, as many at a time as the budget allows."""
    made = tiles(graph)
    assert made is not None
    heads, groups = q.shape[1], q.shape[1] // k.shape[1]
    starts = None if bias is None else _row_starts(graph, made)
    for queries, sources, seen in made:
        rows = queries.shape[1] * heads * (q.shape[2] + v.shape[2]) + 2 * sources.shape[1] * k[0].numel()
        pairs = 0 if bias is None else queries.shape[1] * sources.shape[1] * (heads + 2)
        at_once = max(1, BUDGET // ((rows + pairs) * q.element_size()))
        mask = None
        if seen is not None:
            mask = torch.zeros_like(seen, dtype=wide_dtype(q.dtype)).masked_fill_(~seen, _HIDDEN)
            mask = mask.repeat(groups, 1)[None, None]
        for queries_now, sources_now in zip(queries.split(at_once), sources.split(at_once), strict=True):
            if bias is None:
                yield _Work(queries_now, sources_now, mask, None, seen)
                continue
            assert starts is not None
            size = sources.shape[1]
            place = torch.arange(size).expand(queries.shape[1], size) if seen is None else seen.cumsum(1) - 1
            places = starts[queries_now].unsqueeze(-1) + place.clamp(min=0)
            biases = bias.index_select(0, places.clamp(max=len(bias) - 1).flatten()).view(*places.shape, heads)
            biases = biases.to(wide_dtype(q.dtype)).clamp(min=_HIDDEN)
            if seen is not None:
                biases.masked_fill_(~seen.unsqueeze(-1), _HIDDEN)
            biases = biases.permute(0, 3, 1, 2).unflatten(1, (k.shape[1], groups)).flatten(2, 3)  # [T, Hk, G·B, S]
            yield _Work(queries_now, sources_now, biases, places, seen)


def _row_starts(graph: Graph, made: Sequence[Tiles]) -> Tensor:
    """Where the edges of each destination begin in the order by destination, `[M]`."""
    degree = torch.zeros(graph.num_dst, dtype=torch.int64)
    for queries, sources, seen in made:
        degree[queries] = sources.shape[1] if seen is None else seen.sum(1)
    return degree.cumsum(0) - degree
