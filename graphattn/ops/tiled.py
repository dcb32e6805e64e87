"""Softmax attention over the tiles of a graph, each a small dense problem.

A tile's scores are never kept: the backward pass finds the weights again from the log-sum-exp, and dropout draws the
mask again from the number that each pair has as an edge. At no time is more held than a set number of bytes beside
tensors of the size of the inputs and, where there is one, of the edge bias.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from graphattn.graph import Graph
from graphattn.graph.tiles import Tiles, tiles
from graphattn.graph.torch_modes import has_values
from graphattn.ops import formula, tile_math
from graphattn.ops.arguments import AttentionCall, UnionState
from graphattn.ops.gradient import Tensors, gradient
from graphattn.ops.mapped import one_by_one
from graphattn.ops.precision import wide_dtype
from graphattn.ops.random import keeps, new_seed
from graphattn.ops.schema import EdgeLists, Inputs, Options
from graphattn.ops.scores import Cosine, Dot
from graphattn.ops.state import State

BUDGET = 2**25  # bytes that what is made for one tile may take, or else its rows are taken some at a time
_TOGETHER = {"cpu": 2**22}  # bytes that what is made for tiles side by side may take: on a CPU, so that it stays near

_HIDDEN = -1e30  # a score that leaves no weight; finite, so that rows that see nothing are numbers like others
_AT_ONCE = 2**16  # numbers to hash at once on a CPU, so that they stay near it


def refusal(call: AttentionCall) -> str | None:
    """Why tiles cannot serve a call on a graph that has them, or None if they can."""
    why_not = refusal_of_options(call)
    return "tiles are not traced by torch.compile" if why_not is None and torch.compiler.is_compiling() else why_not


def refusal_of_options(call: AttentionCall) -> str | None:
    """Why neither tiles nor any dense path can serve a call, or None."""
    if not isinstance(call.score, Dot | Cosine) or call.normalize != "softmax":
        return 'it computes score="dot" or "cosine" with normalize="softmax" only'
    if isinstance(call.score, Cosine) and isinstance(call.score.beta, Tensor) and call.score.beta.ndim > 1:
        return "it takes no cosine score with one beta per edge"
    if any(name.startswith("edge_") and name != "edge_bias" for name in call.tensors):
        return "of edge tensors it takes edge_bias only"
    return "it gives no weights" if call.return_weights else None


def attention(call: AttentionCall) -> Tensor | State:
    """Run one call that `refusal` accepts."""
    q, k = as_dot(call)
    v = call.v
    width, value_width = k.shape[2], v.shape[2]
    if width != value_width:  # zeros add nothing to a product, and what they give is cut off
        most = max(width, value_width)
        q, k, v = (F.pad(tensor, (0, most - tensor.shape[2])) for tensor in (q, k, v))
    dropout = _Dropout(call.dropout, new_seed(v.device)) if call.dropout else None
    if call.union_state is not None:
        call.union_state.is_used = True
    out, lse = _Attend.apply(q, k, v, call.edge_bias, call.graph, float(call.scale), dropout, call.union_state)
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


@dataclass(frozen=True)
class _Dropout:
    probability: float
    seed: Tensor


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
        ctx: Any,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        bias: Tensor | None,
        graph: Graph,
        scale: float,
        dropout: _Dropout | None,
        union_state: UnionState | None,
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.graph, ctx.scale, ctx.dropout, ctx.union_state = graph, scale, dropout, union_state
        out = v.new_zeros(*q.shape[:2], v.shape[2])
        lse = q.new_full(q.shape[:2], -torch.inf, dtype=wide_dtype(q.dtype))
        for work in _works(graph, q, k, v, bias, dropout):
            q_t, (k_t, v_t) = _by_tile(q, work.queries, k.shape[1]), _sources(work, k, v)
            if _flash_serves(q, dropout):
                out_t, lse_t = tile_math.flash(q_t, k_t, v_t, work.mask, scale)
            else:
                kept = _kept(work, q.shape[1], k.shape[1], dropout)
                out_t, lse_t = tile_math.plain(q_t, k_t, v_t, work.mask, scale, kept)
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
    @one_by_one
    def backward(ctx: Any, *incoming: Tensor | None) -> tuple[Tensor | None, ...]:
        *inputs, out, lse = ctx.saved_tensors
        if ctx.union_state is not None and not torch.is_grad_enabled():  # or else the merge has its own gradient
            union, width = ctx.union_state.state, out.shape[2]
            out, lse = F.pad(union.out, (0, width - union.out.shape[2])), union.lse
        if all(each is None for each in incoming):
            return (None,) * 8
        found = gradient(partial(_Attend._find, ctx, out, lse), partial(_formula, ctx), incoming, inputs)
        return *found, None, None, None, None

    @staticmethod
    def _find(ctx: Any, out: Tensor, lse: Tensor, incoming: Tensors, inputs: Sequence[Any]) -> Tensors:
        (grad_out, grad_lse), (q, k, v, bias) = incoming, inputs
        grad_out = torch.zeros_like(out) if grad_out is None else grad_out
        blind = lse == -torch.inf
        if bias is not None:
            grad_out = grad_out.masked_fill(blind.unsqueeze(-1), 0)
        per_row = [lse.masked_fill(blind, 0), *([] if grad_lse is None else [grad_lse.masked_fill(blind, 0)])]
        grads = [torch.zeros_like(tensor) for tensor in (q, k, v)]
        grad_bias = None if bias is None or not ctx.needs_input_grad[3] else torch.zeros_like(bias)
        heads, key_heads = q.shape[1], k.shape[1]
        found: Sequence[Tensor]
        for work in _works(ctx.graph, q, k, v, bias, ctx.dropout):
            q_t, out_t, do_t = (_by_tile(tensor, work.queries, key_heads) for tensor in (q, out, grad_out))
            lse_t, *dlse_t = (_by_tile(x.unsqueeze(-1), work.queries, key_heads).squeeze(-1) for x in per_row)
            k_t, v_t = _sources(work, k, v)
            incoming = do_t, (dlse_t[0] if dlse_t else None)
            if _flash_serves(q, ctx.dropout) and grad_bias is None:
                found = tile_math.flash_backward(incoming, q_t, k_t, v_t, out_t, lse_t, work.mask, ctx.scale)
            else:
                kept = _kept(work, heads, key_heads, ctx.dropout)
                *found, ds = tile_math.plain_backward(incoming, q_t, k_t, v_t, out_t, lse_t, work.mask, ctx.scale, kept)
                if grad_bias is not None:
                    _add_bias_gradient(work, ds, grad_bias)
            grads[0].index_copy_(0, work.queries.flatten(), _by_node(found[0], work.queries.shape[1], heads))
            for grad, part in zip(grads[1:], found[1:], strict=True):
                grad.index_add_(0, work.sources.flatten(), part.transpose(1, 2).flatten(0, 1))
        return *grads, grad_bias


def _formula(ctx: Any, inputs: Tensors) -> Tensors:
    q, k, v, bias = inputs
    assert q is not None and v is not None
    dropout, seed = (ctx.dropout.probability, ctx.dropout.seed) if ctx.dropout else (0.0, None)
    options = Options(
        "dot", "softmax", q.shape[1], ctx.scale, 0.0, dropout, seed, attr_value=False, return_weights=False
    )
    out, _, lse, _ = formula.outputs(Inputs(q, k, v, bias), EdgeLists(*ctx.graph.csr), options)
    return out, lse


def _flash_serves(q: Tensor, dropout: _Dropout | None) -> bool:
    return q.device.type == "cpu" and dropout is None


def _add_bias_gradient(work: _Work, ds: Tensor, grad_bias: Tensor) -> None:
    assert work.places is not None
    by_head = ds.to(grad_bias.dtype).unflatten(2, (-1, work.queries.shape[1])).flatten(1, 2)
    ds = by_head.permute(0, 2, 3, 1)  # [T, B, S, H]
    if work.seen is None:
        grad_bias.index_copy_(0, work.places.flatten(), ds.flatten(0, 2))
    else:
        grad_bias.index_copy_(0, work.places[:, work.seen].flatten(), ds[:, work.seen].flatten(0, 1))


def _kept(work: _Work, heads: int, key_heads: int, dropout: _Dropout | None) -> tile_math.Kept | None:
    """What dropout keeps of the weights `[T, Hk, G·B, S]`."""
    if dropout is None:
        return None
    assert work.places is not None
    places = work.places.flatten()
    if has_values(places) and int(places.max()) * heads < 2**32 - heads:
        places = places.to(torch.int32)
    mask = torch.empty(heads, places.numel(), dtype=torch.bool, device=places.device)
    at_once = _AT_ONCE if places.device.type == "cpu" else places.numel()
    for first in range(0, places.numel(), at_once):
        counter = places[first : first + at_once] * heads
        for head in range(heads):
            mask[head, first : first + at_once] = keeps(dropout.seed, counter + head, dropout.probability)
    mask = mask.view(key_heads, -1, *work.places.shape).permute(2, 0, 1, 3, 4).flatten(2, 3)
    return tile_math.Kept(mask, 1 / (1 - dropout.probability))


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


def _works(
    graph: Graph, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, dropout: _Dropout | None
) -> Iterator[_Work]:
    """The tiles of a graph, or some rows of them, as many at a time as the budget allows."""
    made = tiles(graph)
    assert made is not None
    heads, groups, dtype = q.shape[1], q.shape[1] // k.shape[1], wide_dtype(q.dtype)
    numbered = bias is not None or dropout is not None
    starts = _row_starts(graph, made) if numbered else None
    together = _TOGETHER.get(q.device.type, BUDGET)
    for queries, sources, seen in made:
        num_sources = sources.shape[1]
        a_row = heads * (q.shape[2] + v.shape[2]) * q.element_size()
        if numbered or not _flash_serves(q, dropout):
            a_row += (heads + 2) * num_sources * dtype.itemsize
        rows = max(1, min(queries.shape[1], BUDGET // a_row))
        at_once = max(1, together // (rows * a_row + 2 * num_sources * k[0].numel() * k.element_size()))
        for first in range(0, queries.shape[1], rows):
            within = None if seen is None else seen[first : first + rows]
            mask = place = None
            if within is not None:
                mask = torch.zeros_like(within, dtype=dtype).masked_fill_(~within, _HIDDEN)
                mask = mask.repeat(groups, 1)[None, None]
            if numbered:
                place = torch.arange(num_sources, device=graph.device)
                place = place if within is None else (within.cumsum(1) - 1).clamp_(min=0)
            for queries_now, sources_now in zip(
                queries[:, first : first + rows].split(at_once), sources.split(at_once), strict=True
            ):
                places = None if place is None or starts is None else starts[queries_now].unsqueeze(-1) + place
                mask_now = mask if bias is None or places is None else _biases(bias, places, within, k.shape[1], dtype)
                yield _Work(queries_now, sources_now, mask_now, places, within)


def _biases(bias: Tensor, places: Tensor, seen: Tensor | None, key_heads: int, dtype: torch.dtype) -> Tensor:
    """The biases of the pairs of some tiles, `[T, Hk, G·B, S]`."""
    rows = bias.index_select(0, places.clamp(max=len(bias) - 1).flatten()).view(*places.shape, -1)
    rows = rows.to(dtype).clamp(min=_HIDDEN)
    if seen is not None:
        rows.masked_fill_(~seen.unsqueeze(-1), _HIDDEN)
    return rows.permute(0, 3, 1, 2).unflatten(1, (key_heads, -1)).flatten(2, 3)


def _row_starts(graph: Graph, made: Sequence[Tiles]) -> Tensor:
    """Where the edges of each destination begin in the order by destination, `[M]`."""
    degree = torch.zeros(graph.num_dst, dtype=torch.int64, device=graph.device)
    for queries, sources, seen in made:
        degree[queries] = sources.shape[1] if seen is None else seen.sum(1)
    return degree.cumsum(0) - degree
