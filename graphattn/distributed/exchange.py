"""Sending rows of nodes to the processes that need them, forward and back."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from graphattn.distributed.agree import contact
from graphattn.distributed.part import Part


class Pending:
    """Rows under way; `finish` waits for them."""

    def __init__(self, x: Tensor, part: Part) -> None:
        check_rows(x, part)
        self.part = part
        self.sent = x.detach()[torch.cat(part.send_index)].contiguous()
        self.rows = x.new_empty(sum(part.receive_counts), *x.shape[1:])
        self.work = _start(self.rows, self.sent, part.receive_counts, _counts(part.send_index), part)

    def wait(self) -> Tensor:
        """The rows, once they are here."""
        with contact(self.part):
            self.work.wait()
        return self.rows


def finish(x: Tensor, pending: Pending) -> Tensor:
    """The rows of other processes' sources, `[h, ...]`, that `Pending(x, part)` asked for; differentiable in `x`.

    In the backward pass their gradients go the other way and are added up in order of rank.
    """
    return _Finish.apply(x, pending)


def halo(x: Tensor, part: Part) -> Tensor:
    """The rows of other processes' sources, `[h, ...]`, from each process's own rows `[m, ...]`."""
    return finish(x, Pending(x, part))


class _Finish(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, pending: Pending) -> Tensor:
        ctx.part, ctx.shape = pending.part, x.shape
        return pending.wait()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return _Return.apply(grad, ctx.part, ctx.shape), None


class _Return(torch.autograd.Function):
    """Gradients of the rows received, back to their owners and added up; its own derivative is the exchange again."""

    @staticmethod
    def forward(ctx: Any, grad: Tensor, part: Part, shape: torch.Size) -> Tensor:
        ctx.part = part
        counts = _counts(part.send_index)
        back = grad.new_empty(sum(counts), *grad.shape[1:])
        work = _start(back, grad.contiguous(), counts, part.receive_counts, part)
        with contact(part):
            work.wait()
        total = grad.new_zeros(shape)
        for index, rows in zip(part.send_index, back.split(counts), strict=True):
            total.index_add_(0, index, rows)  # no process asks for a row twice, so that no two of these meet
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return halo(grad, ctx.part), None, None


def _counts(indices: list[Tensor]) -> list[int]:
    return [index.numel() for index in indices]


def _start(out: Tensor, rows: Tensor, out_counts: list[int], counts: list[int], part: Part) -> Any:
    width = rows[0].numel() if rows.shape[0] else 0
    others = sum(count for peer, count in enumerate(counts) if peer != part.rank)
    part.sent.append(others * width * rows.element_size())
    with contact(part):
        return dist.all_to_all_single(out, rows, out_counts, counts, group=part.group, async_op=True)


def check_rows(x: Tensor, part: Part) -> None:
    """Raise unless `x` has a row for each source that this process owns, on the device of its part."""
    if x.shape[0] != part.src_nodes.numel():
        raise ValueError(
            f"rank {part.rank} owns {part.src_nodes.numel()} of {part.num_src} sources, but got {x.shape[0]} rows"
        )
    if x.device != part.device:
        raise ValueError(f"rank {part.rank} has its part on {part.device}, but got a tensor on {x.device}")
