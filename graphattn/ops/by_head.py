"""Products of the heads of nodes, each with a matrix of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphattn.ops.mapped import one_by_one
from graphattn.ops.operator import is_traced


def by_head(x: Tensor, weight: Tensor) -> Tensor:
    """y_nh = x_nh W_h, `[N, H, B]` from `[N, H, A]` and `[H, A, B]`.

    As `torch.einsum`, which leaves its result, and each gradient, head by head in memory: the kernels would copy them.
    """
    return torch.einsum("nha,hab->nhb", x, weight) if is_traced() else _ByHead.apply(x, weight)


def _product(x: Tensor, weight: Tensor) -> Tensor:
    found = x.new_empty(*x.shape[:2], weight.shape[2])
    torch.bmm(x.transpose(0, 1), weight, out=found.transpose(0, 1))
    return found


class _ByHead(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight)

    @staticmethod
    @one_by_one
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        of_x, of_weight = ctx.needs_input_grad
        if torch.is_grad_enabled():
            return (
                torch.einsum("nhb,hab->nha", gradient, weight) if of_x else None,
                torch.einsum("nha,nhb->hab", x, gradient) if of_weight else None,
            )
        return (
            _product(gradient, weight.mT) if of_x else None,
            torch.bmm(x.permute(1, 2, 0), gradient.transpose(0, 1)) if of_weight else None,
        )
