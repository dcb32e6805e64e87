"""Windows and grids by FlexAttention, compiled for GPUs: only blocks in which some see one another are visited.

The cells of a grid are taken tile by tile where a block of consecutive ones then lies closer together and sees fewer
blocks (Hassani et al. 2025, arXiv:2504.16922, "token permutation"). A bias is read at the place of its edge, which
follows from where the two nodes lie.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphattn.graph import Grid, Window
from graphattn.graph.memo import derived
from graphattn.ops import tiled
from graphattn.ops.arguments import AttentionCall
from graphattn.ops.precision import wide
from graphattn.ops.state import State

_TILE = {1: 128, 2: 16, 3: 8}  # cells along an axis of a tile, by the number of axes
_FEWEST = 128  # nodes: fewer are one block
_NARROWEST = 16  # numbers of a head that its kernels take


class _Axis(NamedTuple):
    """Of the node at each place, [N]: what it sees along an axis of the grid, and where it is."""

    first: Tensor
    steps: Tensor
    position: Tensor
    length: Tensor


class _Plan(NamedTuple):
    order: Tensor | None  # the node at each place, [N]; None if place p holds node p
    axes: tuple[_Axis, ...]
    row_start: Tensor  # the number of the first edge of the node at each place, [N]
    mask: Any  # the BlockMask


def refusal(call: AttentionCall) -> str | None:
    """Why FlexAttention cannot serve a call on a window or a grid, or None if it can."""
    graph = call.graph
    assert isinstance(graph, Window | Grid)
    why_not = tiled.refusal_of_options(call)
    if why_not is not None:
        return why_not
    if call.dropout:
        return "FlexAttention has no dropout"
    if graph.num_dst < _FEWEST:
        return f"FlexAttention gains nothing on fewer than {_FEWEST} nodes"
    assert call.q is not None
    if min(call.q.shape[2], call.v.shape[2]) < _NARROWEST or call.v.dtype == torch.float64:
        return f"FlexAttention takes heads of {_NARROWEST} numbers or more, of 32 bits or fewer"
    if graph.border == "periodic" and any(reach.dilation > 1 for reach in graph.reaches):
        return "FlexAttention has no rule for a dilated window that goes on at the other end"
    return "FlexAttention is not traced by torch.compile" if torch.compiler.is_compiling() else None


def attention(call: AttentionCall) -> Tensor | State:
    """Run one call that `refusal` accepts."""
    return attend(call, _compiled())


def attend(call: AttentionCall, function: Callable[..., Any]) -> Tensor | State:
    """The call by `function`, which is `flex_attention`, compiled or not."""
    graph = call.graph
    assert isinstance(graph, Window | Grid)
    plan = derived(graph, "flex", lambda: _make_plan(graph))
    q, k = tiled.as_dot(call)
    tensors = [x if plan.order is None else x.index_select(0, plan.order) for x in (q, k, call.v)]
    q, k, v = (x.transpose(0, 1).unsqueeze(0) for x in tensors)  # [1, H, N, D]
    out, lse = function(
        q,
        k,
        v,
        score_mod=None if call.edge_bias is None else _with_bias(graph, plan, wide(call.edge_bias)),
        block_mask=plan.mask,
        scale=float(call.scale),
        enable_gqa=q.shape[1] != k.shape[1],
        return_lse=True,
    )
    out, lse = out[0].transpose(0, 1), lse[0].transpose(0, 1)
    if plan.order is not None:
        back = plan.order.argsort()
        out, lse = out.index_select(0, back), lse.index_select(0, back)
    return State(out, lse) if call.return_state else out


@cache
def _compiled() -> Callable[..., Any]:
    return torch.compile(_flex_attention())


def _flex_attention() -> Callable[..., Any]:
    from torch.nn.attention.flex_attention import flex_attention

    return flex_attention


def _make_plan(graph: Window | Grid) -> _Plan:
    plans = [_plan_in_order(graph, None)]
    if len(graph.reaches) > 1:
        plans.append(_plan_in_order(graph, _tile_by_tile(graph)))
    return min(plans, key=lambda plan: int(_num_blocks(plan)))


def _num_blocks(plan: _Plan) -> Tensor:
    """How many pairs of blocks are visited."""
    part, whole = plan.mask.kv_num_blocks, plan.mask.full_kv_num_blocks
    return part.sum() if whole is None else part.sum() + whole.sum()


def _plan_in_order(graph: Window | Grid, order: Tensor | None) -> _Plan:
    from torch.nn.attention.flex_attention import create_block_mask

    axes = tuple(_axis(graph, number, order) for number in range(len(graph.reaches)))
    degree = math.prod([axis.steps for axis in axes], start=torch.ones((), dtype=torch.int64, device=graph.device))
    if order is None:
        row_start = degree.cumsum(0) - degree
    else:
        by_node = torch.zeros_like(degree).index_copy(0, order, degree)
        row_start = (by_node.cumsum(0) - by_node)[order]
    make = torch.compile(create_block_mask) if graph.device.type == "cuda" else create_block_mask
    sees = _rule(graph, order, axes)
    mask = make(sees, None, None, graph.num_dst, graph.num_src, device=str(graph.device))
    return _Plan(order, axes, row_start, mask)


def _tile_by_tile(graph: Window | Grid) -> Tensor:
    order, before = [torch.empty(0, dtype=torch.int64, device=graph.device)], 0
    for shape in graph.shapes:
        tiles = [torch.arange(math.prod(shape), device=graph.device).view(shape)]
        for axis in range(len(shape)):
            tiles = [piece for tile in tiles for piece in tile.split(_TILE[len(shape)], axis)]
        order += [before + tile.flatten() for tile in tiles]
        before += math.prod(shape)
    return torch.cat(order)


def _axis(graph: Window | Grid, number: int, order: Tensor | None) -> _Axis:
    per_graph = []
    for shape in graph.shapes:
        cell = torch.arange(math.prod(shape), device=graph.device)
        along = cell // math.prod(shape[number + 1 :]) % max(shape[number], 1)
        first_and_count = graph.reaches[number].start_and_count(along, shape[number])
        per_graph.append((*first_and_count, along, torch.full_like(along, shape[number])))
    tables = [torch.cat(parts) for parts in zip(*per_graph, strict=True)]
    return _Axis(*(table if order is None else table[order] for table in tables))


def _rule(graph: Window | Grid, order: Tensor | None, axes: tuple[_Axis, ...]) -> Callable[..., Tensor]:
    """Whether the node at place i sees the one at place j, as FlexAttention asks."""
    reaches = graph.reaches
    owner = graph.batch if graph.num_graphs > 1 else None
    owner = owner if owner is None or order is None else owner[order]

    def sees(batch: Tensor, head: Tensor, i: Tensor, j: Tensor) -> Tensor:
        yes = i >= 0 if owner is None else owner[i] == owner[j]
        for axis, reach in zip(axes, reaches, strict=True):
            further = axis.position[j] - axis.first[i]
            if reach.border == "periodic":
                further = further % axis.length[i]
            inside = (further >= 0) & (further < axis.steps[i] * reach.dilation)
            yes = yes & inside & (further % reach.dilation == 0)
        return yes

    return sees


def _with_bias(graph: Window | Grid, plan: _Plan, bias: Tensor) -> Callable[..., Tensor]:
    """The score of the edge from the node at place j to that at place i, with its bias, as FlexAttention asks.

    Sources come in ascending order, so an edge's number among those of its destination is made of its steps along each
    axis, counted from the first or, where a periodic window goes on at the other end, from the beginning of the axis.
    """
    reaches = graph.reaches

    def with_bias(score: Tensor, batch: Tensor, head: Tensor, i: Tensor, j: Tensor) -> Tensor:
        number = torch.zeros_like(i)
        for axis, reach in zip(plan.axes, reaches, strict=True):
            further, count = axis.position[j] - axis.first[i], axis.steps[i]
            if reach.border == "periodic":
                length, first = axis.length[i], axis.first[i] % axis.length[i]
                beyond = first + count - length  # how many lie at the other end, if positive
                at_the_end = axis.position[j] - first + torch.where(beyond > 0, beyond, 0)
                further = torch.where(axis.position[j] < beyond, axis.position[j], at_the_end)
            number = number * count + further // reach.dilation
        place = (plan.row_start[i] + number).clamp(0, bias.shape[0] - 1)  # in bounds where there is no edge
        return score + bias[place, head]

    return with_bias
