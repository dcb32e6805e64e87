"""Attention with the heads spread over the processes instead of the nodes.

Jacobs et al. 2023, DeepSpeed-Ulysses, arXiv:2309.14509, on a graph.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from graphattn.distributed.agree import contact
from graphattn.distributed.part import Part
from graphattn.ops.attention import attention as attend


def refusal(
    q: Tensor | None, k: Tensor | None, v: Tensor, part: Part, has_edge_terms: bool, dropout: float
) -> str | None:
    """Why heads cannot be spread over the processes, or None."""
    if part.whole is None or part.owner is None:
        return "the processes do not have the whole graph"
    if part.num_dst != part.num_src:
        return "destinations and sources are two sets"
    if has_edge_terms:
        return "tensors per edge are spread by node"
    if dropout:
        return "dropout is spread by node"
    if any(x is not None and x.shape[1] % part.world_size for x in (q, k, v)):
        return f"{part.world_size} processes do not divide the heads"
    return None


def by_head(q: Tensor | None, k: Tensor | None, v: Tensor, part: Part, options: dict[str, Any]) -> Tensor:
    """Send each process all nodes of its heads, attend there, and send the results back."""
    assert part.whole is not None and part.owner is not None
    counts = torch.bincount(part.owner, minlength=part.world_size).tolist()
    order = part.owner.argsort(stable=True).to(part.device)  # where the node of each row received is in the graph
    back = order.argsort()
    q, k, values = (None if x is None else _ToHeads.apply(x, counts, part)[back] for x in (q, k, v))
    assert values is not None
    out = attend(q, k, values, part.whole, **options)
    return _ToNodes.apply(out[order], counts, part)


class _ToHeads(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, counts: list[int], part: Part) -> Tensor:
        ctx.counts, ctx.part = counts, part
        return _to_heads(x, counts, part)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return _ToNodes.apply(grad, ctx.counts, ctx.part), None, None


class _ToNodes(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, counts: list[int], part: Part) -> Tensor:
        ctx.counts, ctx.part = counts, part
        return _to_nodes(x, counts, part)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return _ToHeads.apply(grad, ctx.counts, ctx.part), None, None


def _to_heads(x: Tensor, counts: list[int], part: Part) -> Tensor:
    """Rows `[n, H, D]` of this process's nodes to those of all, by owner, of its heads, `[N, H / P, D]`."""
    size = part.world_size
    sent = x.detach().unflatten(1, (size, -1)).transpose(0, 1).contiguous()
    out = x.new_empty(sum(counts), *sent.shape[2:])
    _exchange(out, sent.flatten(0, 1), counts, [counts[part.rank]] * size, part)
    return out


def _to_nodes(x: Tensor, counts: list[int], part: Part) -> Tensor:
    """The other way: `[N, H / P, D]` to `[n, H, D]`."""
    size, own = part.world_size, counts[part.rank]
    out = x.new_empty(size * own, *x.shape[1:])
    _exchange(out, x.detach().contiguous(), [own] * size, counts, part)
    return out.unflatten(0, (size, own)).transpose(0, 1).flatten(1, 2).contiguous()


def _exchange(out: Tensor, sent: Tensor, out_counts: list[int], counts: list[int], part: Part) -> None:
    others = sum(count for peer, count in enumerate(counts) if peer != part.rank)
    part.sent.append(others * (sent[0].numel() * sent.element_size() if sent.shape[0] else 0))
    with contact(part):
        dist.all_to_all_single(out, sent, out_counts, counts, group=part.group)
