"""`graphattn::dot_softmax` on the CPU: tensors handed to the compiled kernels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphattn.ops.convention import in_callers_order
from graphattn.ops.numba import kernels
from graphattn.ops.numba.parallel import run_rows
from graphattn.ops.random import drop_threshold


def _flat(tensor: Tensor) -> np.ndarray:
    return tensor.detach().contiguous().view(-1).numpy()


def _or_empty(tensor: Tensor | None, like: np.ndarray) -> np.ndarray:
    """The tensor, or an array of length zero by which a kernel knows that there is none."""
    return np.empty(0, like.dtype) if tensor is None else _flat(tensor)


def _numbers(q: Tensor, k: Tensor, v: Tensor) -> tuple[int, int, int, int]:
    return q.shape[1], k.shape[1], q.shape[2], v.shape[2]


def _dropout(dropout: float, seed: Tensor | None, dtype: np.dtype) -> tuple[np.uint64, np.uint64, np.floating]:
    """Seed, threshold and the factor of a kept weight, as the kernels take them."""
    number = 0 if seed is None else int(seed)
    return np.uint64(number), np.uint64(drop_threshold(dropout)), dtype.type(1 / (1 - dropout))


def forward(
    q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None,
    indptr: Tensor, indices: Tensor, edge_ids: Tensor | None,
    csc_indptr: Tensor | None, csc_indices: Tensor | None, positions: Tensor | None,
    scale: float, dropout: float, seed: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Output `[M, H, Dv]`, log-sum-exp `[M, H]` and what its rounding lost, `[M, H]`."""
    M, H, _ = q.shape
    out, lse, rest = q.new_empty(M, H, v.shape[2]), q.new_empty(M, H), q.new_empty(M, H)
    starts, sources, queries = _flat(indptr), _flat(indices), _flat(q)
    run_rows(
        kernels.forward, starts, H * (q.shape[2] + v.shape[2]),
        starts, sources, _or_empty(edge_ids, sources), queries, _flat(k), _flat(v), _or_empty(bias, queries),
        queries.dtype.type(scale), *_numbers(q, k, v), *_dropout(dropout, seed, queries.dtype),
        _flat(out), _flat(lse), _flat(rest),
    )  # fmt: skip
    return out, lse, rest


def backward(
    grad_out: Tensor, grad_lse: Tensor | None, out: Tensor, lse: Tensor, rest: Tensor,
    q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None,
    indptr: Tensor, indices: Tensor, edge_ids: Tensor | None,
    csc_indptr: Tensor, csc_indices: Tensor, positions: Tensor,
    scale: float, dropout: float, seed: Tensor | None, needs: list[bool],
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """Gradients of q, k, v and bias; of length zero where `needs` does not ask.

    The pass by source gathers queries and output gradients and leaves the gradient of each score, `[E, H]`; the pass by
    destination gathers keys alone. Three gathers of a row per edge, where passes that both start afresh need four.
    """
    H, Dv = q.shape[1], v.shape[2]
    E = indices.numel()
    needs_q, needs_k, needs_v, needs_bias = needs
    delta = torch.empty_like(lse)
    grad_q, grad_k, grad_v = (
        torch.empty_like(tensor, memory_format=torch.contiguous_format) if needed else tensor.new_empty(0)
        for tensor, needed in ((q, needs_q), (k, needs_k), (v, needs_v))
    )
    grad_score = q.new_empty(E, H)

    grads, queries, keys, deltas = _flat(grad_out), _flat(q), _flat(k), _flat(delta)
    starts, sources = _flat(indptr), _flat(indices)
    factor = queries.dtype.type(scale)
    kernels.row_dots(0, lse.numel(), grads, _flat(out), Dv, deltas)
    csc_starts = _flat(csc_indptr)
    run_rows(
        kernels.backward_source, csc_starts, 2 * H * (q.shape[2] + Dv),
        csc_starts, _flat(csc_indices), _flat(positions), _or_empty(edge_ids, sources),
        queries, keys, _flat(v), _or_empty(bias, queries), factor, *_numbers(q, k, v),
        *_dropout(dropout, seed, queries.dtype), _flat(lse), _flat(rest), deltas, grads, _or_empty(grad_lse, queries),
        _flat(grad_k), _flat(grad_v), _flat(grad_score),
    )  # fmt: skip
    if needs_q:
        run_rows(
            kernels.backward_destination, starts, H * q.shape[2],
            starts, sources, keys, factor, H, k.shape[1], q.shape[2], _flat(grad_score), _flat(grad_q),
        )  # fmt: skip
    return grad_q, grad_k, grad_v, in_callers_order(grad_score, edge_ids) if needs_bias else q.new_empty(0)


torch.library.impl("graphattn::dot_softmax", "CPU", forward)
torch.library.impl("graphattn::dot_softmax_backward", "CPU", backward)
