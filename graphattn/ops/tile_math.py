"""Softmax attention within tiles, dense problems side by side: forward, and backward from the log-sum-exp.

`flash` runs PyTorch's flash attention of CPUs. `plain` is products of matrices, for what that does not give: dropout,
the gradient of a bias, and other devices.

Everywhere q is `[T, H, B, D]`, k and v are `[T, H, S, D]`, and the mask, which is added to the scores, broadcasts
against `[T, H, B, S]`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from graphattn.ops.precision import wide


class Kept(NamedTuple):
    """Which weights dropout keeps, `[T, H, B, S]` bool, and by what factor those grow."""

    mask: Tensor
    factor: float


def flash(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float) -> tuple[Tensor, Tensor]:
    """Output, and log-sum-exp `[T, H, B]`."""
    return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, False, attn_mask=mask, scale=scale)


def flash_backward(
    grads: tuple[Tensor, Tensor | None],
    q: Tensor,
    k: Tensor,
    v: Tensor,
    out: Tensor,
    lse: Tensor,
    mask: Tensor | None,
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of q, k and v, from those of output and log-sum-exp."""
    grad_out, grad_lse = grads
    if grad_lse is not None:
        # One more number in each value, 1, makes dlse the last number of the gradient of the output; with 0 as the
        # last number of the output it is not taken off again: ds = p (⟨do, v⟩ + dlse − ⟨do, out⟩).
        q, k, v, out = F.pad(q, (0, 1)), F.pad(k, (0, 1)), F.pad(v, (0, 1), value=1.0), F.pad(out, (0, 1))
        grad_out = torch.cat([grad_out, grad_lse.unsqueeze(-1).to(grad_out.dtype)], dim=-1)
    found = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward(
        grad_out, q, k, v, out, lse, 0.0, False, attn_mask=mask, scale=scale
    )
    return found if grad_lse is None else tuple(each[..., :-1] for each in found)


def plain(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float, kept: Kept | None
) -> tuple[Tensor, Tensor]:
    """Output, and log-sum-exp `[T, H, B]`."""
    scores = _scores(q, k, mask, scale)
    lse = scores.logsumexp(-1)
    p = scores.sub_(lse.unsqueeze(-1)).exp_()
    out = torch.matmul(p if kept is None else p.mul_(kept.mask), wide(v))
    return (out if kept is None else out.mul_(kept.factor)).to(v.dtype), lse


def plain_backward(
    grads: tuple[Tensor, Tensor | None],
    q: Tensor,
    k: Tensor,
    v: Tensor,
    out: Tensor,
    lse: Tensor,
    mask: Tensor | None,
    scale: float,
    kept: Kept | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gradients of q, k, v and the scores, from those of output and log-sum-exp.

    p = exp(s − lse),   dv = (p kept)ᵀ do,   ds = p (kept ⟨do, v⟩ − ⟨do, out⟩ + dlse)
    """
    grad_out, grad_lse = wide(grads[0]), grads[1]
    less = (grad_out * out).sum(-1)
    if kept is not None:
        grad_out = grad_out * kept.factor
    p = _scores(q, k, mask, scale).sub_(lse.unsqueeze(-1)).exp_()
    ds = torch.matmul(grad_out, wide(v).transpose(-1, -2))
    if kept is not None:
        ds.mul_(kept.mask)
    ds.sub_((less if grad_lse is None else less - grad_lse).unsqueeze(-1)).mul_(p)
    dv = torch.matmul((p if kept is None else p.mul_(kept.mask)).transpose(-1, -2), grad_out)
    dq = torch.matmul(ds, wide(k)).mul_(scale)
    dk = torch.matmul(ds.transpose(-1, -2), wide(q)).mul_(scale)
    return dq.to(q.dtype), dk.to(k.dtype), dv.to(v.dtype), ds


def _scores(q: Tensor, k: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    scores = torch.matmul(wide(q), wide(k).transpose(-1, -2)).mul_(scale)
    return scores if mask is None else scores.add_(mask)
