"""Dot-product softmax attention over the rows of a compressed graph: one forward loop, two backward loops.

All arrays are flat and contiguous. Destination row i of `q`, `out` and their gradients starts at i·H·D (or
i·H·Dv), source row j of `k` at j·Hk·D, of `v` at j·Hk·Dv; query head h reads key head h // (H / Hk). Each kernel
works on rows [start, stop), writes only what belongs to them, and adds in a fixed order: the bits do not depend on
how rows are shared among threads. Unsigned indices, because Numba checks signed ones for wrap-around.
"""

from typing import Any

import numpy as np

from graphattn.ops.numba.exponential import exp
from graphattn.ops.numba.jit import as_written, kernel
from graphattn.ops.numba.random import keeps
from graphattn.ops.numba.vector import axpy, dot, prefetch

U = np.uint64
_ZERO, _ONE = U(0), U(1)
_AHEAD = U(4)  # edges between asking for a row and using it
_CACHE_LINE = U(64)


@as_written
def _plus(score: Any, bias: Any) -> Any:
    """A sum that is not fused with the product before it, so that both passes round a score alike."""
    return score + bias


@as_written
def _rest_of(top: Any, log_total: Any, lse: Any) -> Any:
    """What rounding took from lse = top + log_total: half a unit of ±10,000 is 5e-4, too much for an exponent."""
    return log_total - (lse - top)  # reassociated it would be zero


@as_written
def _weight(score: Any, lse: Any, rest: Any) -> Any:
    """exp(score − lse) with the exponent as exact as the score."""
    return exp((score - lse) - rest)


@as_written
def _prefetch_row(array: Any, first: Any, width: Any) -> None:
    """Ask for all cache lines of a row."""
    for x in range(first, first + width, _CACHE_LINE // U(array.itemsize)):
        prefetch(array, x)


@kernel
def forward(
    start: Any, stop: Any, indptr: Any, indices: Any, edge_ids: Any,
    q: Any, k: Any, v: Any, bias: Any, scale: Any, heads: Any, key_heads: Any, width: Any, value_width: Any,
    seed: Any, threshold: Any, keep_scale: Any, out: Any, lse: Any, rest: Any,
) -> None:  # fmt: skip
    """out_i = Σ_j softmax_j(scale·q_i·k_j + b_ij) m_ij v_j, m the dropout mask over 1 − p; lse_i and its rest."""
    H, D, Dv = U(heads), U(width), U(value_width)
    group = H // U(key_heads)
    q_row, k_row, v_row, out_row = H * D, U(key_heads) * D, U(key_heads) * Dv, H * Dv
    zero = scale * 0
    most = _ONE
    for i in range(U(start), U(stop)):
        most = max(most, U(indptr[i + _ONE]) - U(indptr[i]))
    scores = np.empty(H * most, q.dtype)
    for i in range(U(start), U(stop)):
        first = U(indptr[i])
        degree = U(indptr[i + _ONE]) - first
        for x in range(i * out_row, (i + _ONE) * out_row):
            out[x] = zero
        for e in range(degree):
            key = U(indices[first + e]) * k_row
            if e + _AHEAD < degree:
                later = U(indices[first + e + _AHEAD]) * k_row
                _prefetch_row(k, later, k_row)
            for h in range(H):
                score = scale * dot(q, i * q_row + h * D, k, key + (h // group) * D, D)
                scores[h * most + e] = score
        if bias.size > 0:
            for e in range(degree):
                edge = U(edge_ids[first + e]) if edge_ids.size > 0 else first + e
                for h in range(H):
                    scores[h * most + e] = _plus(scores[h * most + e], bias[edge * H + h])
        for h in range(H):
            row = h * most
            top = zero - np.inf
            for e in range(degree):
                s = scores[row + e]
                top = s if s > top or s != s else top
            if top == -np.inf:  # no edge, or all hidden
                lse[i * H + h] = top
                rest[i * H + h] = zero
                for e in range(degree):
                    scores[row + e] = zero
                continue
            total = zero
            for e in range(degree):
                w = exp(scores[row + e] - top)
                scores[row + e] = w
                total += w
            log_total = np.log(total)
            lse[i * H + h] = top + log_total
            rest[i * H + h] = _rest_of(top, log_total, lse[i * H + h])
            inverse = keep_scale / total
            for e in range(degree):
                scores[row + e] *= inverse
            if threshold > 0:
                for e in range(degree):
                    if not keeps(seed, (first + e) * H + h, threshold):
                        scores[row + e] = zero
        for e in range(degree):
            value = U(indices[first + e]) * v_row
            if e + _AHEAD < degree:
                later = U(indices[first + e + _AHEAD]) * v_row
                _prefetch_row(v, later, v_row)
            for h in range(H):
                axpy(scores[h * most + e], v, value + (h // group) * Dv, out, i * out_row + h * Dv, Dv)


@kernel
def backward_source(
    start: Any, stop: Any, indptr: Any, indices: Any, positions: Any, edge_ids: Any,
    q: Any, k: Any, v: Any, bias: Any, scale: Any, heads: Any, key_heads: Any, width: Any, value_width: Any,
    seed: Any, threshold: Any, keep_scale: Any, lse: Any, rest: Any, delta: Any, grad_out: Any, grad_lse: Any,
    grad_k: Any, grad_v: Any, grad_score: Any,
) -> None:  # fmt: skip
    """Gradients of the sources' keys and values, and of each score, in one pass over the edges by source.

    p_ij = exp(s_ij − lse_i − rest_i),  ds_ij = p_ij (m_ij ⟨do_i, v_j⟩ − δ_i + dlse_i),
    dk_j = scale Σ ds_ij q_i,  dv_j = Σ p_ij m_ij do_i.
    `positions` holds each edge's place in the order by destination, where `grad_score` is written.
    """
    H, D, Dv = U(heads), U(width), U(value_width)
    group = H // U(key_heads)
    q_row, k_row, v_row, out_row = H * D, U(key_heads) * D, U(key_heads) * Dv, H * Dv
    zero = scale * 0
    for j in range(U(start), U(stop)):
        first = U(indptr[j])
        degree = U(indptr[j + _ONE]) - first
        if grad_k.size > 0:
            for x in range(j * k_row, (j + _ONE) * k_row):
                grad_k[x] = zero
        if grad_v.size > 0:
            for x in range(j * v_row, (j + _ONE) * v_row):
                grad_v[x] = zero
        for e in range(degree):
            i = U(indices[first + e])
            position = U(positions[first + e])
            if e + _AHEAD < degree:
                later = U(indices[first + e + _AHEAD])
                _prefetch_row(q, later * q_row, q_row)
                _prefetch_row(grad_out, later * out_row, out_row)
                prefetch(lse, later * H)
                prefetch(rest, later * H)
                prefetch(delta, later * H)
                prefetch(grad_score, U(positions[first + e + _AHEAD]) * H)
            for h in range(H):
                key, value = j * k_row + (h // group) * D, j * v_row + (h // group) * Dv
                query, result = i * q_row + h * D, i * out_row + h * Dv
                log_total = lse[i * H + h]
                if log_total == -np.inf:  # all edges of i are hidden
                    grad_score[position * H + h] = zero
                    continue
                score = scale * dot(q, query, k, key, D)
                if bias.size > 0:
                    edge = U(edge_ids[position]) if edge_ids.size > 0 else position
                    score = _plus(score, bias[edge * H + h])
                p = _weight(score, log_total, rest[i * H + h])
                kept = keep_scale
                if threshold > 0 and not keeps(seed, position * H + h, threshold):
                    kept = zero
                slope = _plus(kept * dot(grad_out, result, v, value, Dv), -delta[i * H + h])
                if grad_lse.size > 0:  # last, for the difference before it is often exactly zero
                    slope = _plus(slope, grad_lse[i * H + h])
                ds = p * slope
                grad_score[position * H + h] = ds
                if grad_k.size > 0:
                    axpy(scale * ds, q, query, grad_k, key, D)
                if grad_v.size > 0 and kept != 0:
                    axpy(p * kept, grad_out, result, grad_v, value, Dv)


@kernel
def backward_destination(
    start: Any, stop: Any, indptr: Any, indices: Any,
    k: Any, scale: Any, heads: Any, key_heads: Any, width: Any, grad_score: Any, grad_q: Any,
) -> None:  # fmt: skip
    """dq_i = scale Σ_j ds_ij k_j, from the score gradients that the pass by source has left."""
    H, D = U(heads), U(width)
    group = H // U(key_heads)
    q_row, k_row = H * D, U(key_heads) * D
    zero = scale * 0
    for i in range(U(start), U(stop)):
        first = U(indptr[i])
        degree = U(indptr[i + _ONE]) - first
        for x in range(i * q_row, (i + _ONE) * q_row):
            grad_q[x] = zero
        for e in range(degree):
            key = U(indices[first + e]) * k_row
            if e + _AHEAD < degree:
                later = U(indices[first + e + _AHEAD]) * k_row
                _prefetch_row(k, later, k_row)
            for h in range(H):
                ds = scale * grad_score[(first + e) * H + h]
                axpy(ds, k, key + (h // group) * D, grad_q, i * q_row + h * D, D)


@kernel
def row_dots(start: Any, stop: Any, a: Any, b: Any, width: Any, out: Any) -> None:
    """out_r = ⟨a_r, b_r⟩ for rows of `width` numbers."""
    D = U(width)
    for r in range(U(start), U(stop)):
        out[r] = dot(a, r * D, b, r * D, D)
