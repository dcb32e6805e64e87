"""Windows and grids by FlexAttention, compiled for GPUs: only blocks in which some see one another are visited.

The cells of a grid are taken tile by tile, so that a block of consecutive ones lies close together and sees few blocks
(Hassani et al. 2025, arXiv:2504.16922, "token permutation").
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphattn.graph import Grid, Window
from graphattn.graph.derived import derived
from graphattn.ops import tiled
from graphattn.ops.call import AttentionCall
from graphattn.ops.state import State

_TILE = {1: 128, 2: 16, 3: 8}  # cells along an axis of a tile, by the number of axes


class _Plan(NamedTuple):
    order: Tensor | None  # the node at each place, [N]; None if place p holds node p
    mask: Any  # the BlockMask


def refusal(call: AttentionCall) -> str | None:
    """Why FlexAttention cannot serve a call on a window or a grid, or None if it can."""
    graph = call.graph
    assert isinstance(graph, Window | Grid)
    why_not = tiled.refusal_of_options(call)
    if why_not is None and call.edge_bias is not None:
        return "FlexAttention finds no bias by its edge"
    if why_not is None and call.dropout:
        return "FlexAttention has no dropout"
    if why_not is None and graph.num_dst == 0:
        return "FlexAttention takes no empty graph"
    if why_not is None and graph.border == "periodic" and any(reach.dilation > 1 for reach in graph.reaches):
        return "FlexAttention has no rule for a dilated window that goes on at the other end"
    return why_not


def attention(call: AttentionCall) -> Tensor | State:
    """Run one call that `refusal` has let pass."""
    return attend(call, torch.compile(_flex_attention()))


def attend(call: AttentionCall, function: Callable[..., Any]) -> Tensor | State:
    """The call by `function`, which is `flex_attention`, compiled or not."""
    graph = call.graph
    assert isinstance(graph, Window | Grid)
    order, mask = _plan(graph)
    q, k = tiled.as_dot(call)
    tensors = [x if order is None else x.index_select(0, order) for x in (q, k, call.v)]
    q, k, v = (x.transpose(0, 1).unsqueeze(0) for x in tensors)  # [1, H, N, D]
    out, lse = function(
        q, k, v, block_mask=mask, scale=float(call.scale), enable_gqa=q.shape[1] != k.shape[1], return_lse=True
    )
    out, lse = out[0].transpose(0, 1), lse[0].transpose(0, 1)
    if order is not None:
        back = order.argsort()
        out, lse = out.index_select(0, back), lse.index_select(0, back)
    return State(out, lse) if call.return_state else out


def _flex_attention() -> Callable[..., Any]:
    from torch.nn.attention.flex_attention import flex_attention

    return flex_attention


def _plan(graph: Window | Grid) -> _Plan:
    """The order of the nodes and the block mask, made once for each graph and device."""
    return derived(graph, "flex", lambda: _make_plan(graph))


def _make_plan(graph: Window | Grid) -> _Plan:
    from torch.nn.attention.flex_attention import create_block_mask

    order = _tile_by_tile(graph) if len(graph.reaches) > 1 else None
    make = torch.compile(create_block_mask) if graph.device.type == "cuda" else create_block_mask
    sees = _rule(graph, order)
    return _Plan(order, make(sees, None, None, graph.num_dst, graph.num_src, device=str(graph.device)))


def _tile_by_tile(graph: Window | Grid) -> Tensor:
    order, before = [torch.empty(0, dtype=torch.int64, device=graph.device)], 0
    for shape in graph.shapes:
        tiles = [torch.arange(math.prod(shape), device=graph.device).view(shape)]
        for axis in range(len(shape)):
            tiles = [piece for tile in tiles for piece in tile.split(_TILE[len(shape)], axis)]
        order += [before + tile.flatten() for tile in tiles]
        before += math.prod(shape)
    return torch.cat(order)


def _rule(graph: Window | Grid, order: Tensor | None) -> Callable[..., Tensor]:
    """Whether the node at place i sees the one at place j, as FlexAttention asks."""
    reaches = graph.reaches
    owner = graph.batch if graph.num_graphs > 1 else None
    first: list[Tensor] = []
    count: list[Tensor] = []
    position: list[Tensor] = []
    length: list[Tensor] = []
    for axis, reach in enumerate(reaches):
        per_graph = []
        for shape in graph.shapes:
            cell = torch.arange(math.prod(shape), device=graph.device)
            along = cell // math.prod(shape[axis + 1 :]) % max(shape[axis], 1)
            per_graph.append((*reach.start_and_count(along, shape[axis]), along, torch.full_like(along, shape[axis])))
        tables = (torch.cat(parts) for parts in zip(*per_graph, strict=True))
        for kept, table in zip((first, count, position, length), tables, strict=True):
            kept.append(table if order is None else table[order])
    owner = owner if owner is None or order is None else owner[order]

    def sees(batch: Tensor, head: Tensor, i: Tensor, j: Tensor) -> Tensor:
        yes = i >= 0 if owner is None else owner[i] == owner[j]
        for axis, reach in enumerate(reaches):
            further = position[axis][j] - first[axis][i]
            if reach.border == "periodic":
                further = further % length[axis][i]
            inside = (further >= 0) & (further < count[axis][i] * reach.dilation)
            yes = yes & inside & (further % reach.dilation == 0)
        return yes

    return sees
