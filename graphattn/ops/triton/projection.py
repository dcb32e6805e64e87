"""The gradients that come through the projection of edge features inside an additive score, from those of the scores.

    dz_ij = scale ds_ij vector act'(z_ij),  z_ij = q_i + k_j + e_ij + W a_ij,    dW = Σ a_ij ⊗ dz_ij,  da_ij = Wᵀ dz_ij

The edges are taken flat, by destination, DP numbers of a head after another: a query is mostly still in the cache.
"""

import triton
import triton.language as tl

from graphattn.ops.triton.scores import activation, activation_slope
from graphattn.ops.triton.tile_table import padded

EDGES = 16
"""Edges of a block: the fewest rows that Triton makes a product of matrices of."""
WARPS = 4
_MOST = 32


def padded_part(size: int, number_size: int) -> int:
    """How many features, or numbers of a key, a program takes at a time, so that no register is spilled."""
    return min(max(EDGES, padded(size)), _MOST if number_size == 4 else EDGES)


@triton.jit
def _load(base, row, there, column, width: tl.constexpr, NUMBER: tl.constexpr):
    """`[rows, columns]` of a matrix with rows of `width` numbers."""
    mask = there[:, None] & (column < width)[None, :]
    return tl.load(base + row[:, None] * width + column[None, :], mask=mask, other=0.0).to(NUMBER)


@triton.jit(do_not_specialize=["count"])
def attend_bwd_projection_kernel(
    q, k, edge_key, edge_attr, key_proj, vector, grad_score, owners, others, edge_ids, grad_edge_attr, grad_key_proj,
    count, scale: tl.float64, slope: tl.float64,
    SCORE: tl.constexpr, BY_EDGE: tl.constexpr, MORE: tl.constexpr,
    HK: tl.constexpr, GROUP: tl.constexpr, D: tl.constexpr, A: tl.constexpr, DP: tl.constexpr, AP: tl.constexpr,
    BLOCK: tl.constexpr, NUMBER: tl.constexpr,
):  # fmt: skip
    """One program owns AP features of blocks of edges, one block after another.

    `grad_key_proj` is `[programs, A, H, D]`, zero before, the sum over the edges of each program; `grad_edge_attr` is
    added to if MORE.
    """
    H: tl.constexpr = HK * GROUP
    PARTS: tl.constexpr = (D + DP - 1) // DP
    factor, bend = tl.full((1, 1), scale, NUMBER), tl.full((1, 1, 1), slope, NUMBER)
    own = tl.program_id(1) * AP + tl.arange(0, AP)
    sums = grad_key_proj
    if grad_key_proj is not None:
        sums += tl.program_id(0).to(tl.int64) * (A * H * D)
    for block in range(tl.program_id(0), (count + BLOCK - 1) // BLOCK, tl.num_programs(0)):
        place = tl.full((1,), block, tl.int64) * BLOCK + tl.arange(0, BLOCK)
        inside = place < count
        edge = place
        if edge_ids is not None:
            edge = tl.load(edge_ids + place, mask=inside, other=0).to(tl.int64)
        row = tl.load(owners + place, mask=inside, other=0).to(tl.int64)
        other = tl.load(others + place, mask=inside, other=0).to(tl.int64)
        features = _load(edge_attr, edge, inside, own, A, NUMBER)
        of_features = tl.zeros((BLOCK, AP), NUMBER)
        for part in range(H * PARTS):
            head, column = part // PARTS, part % PARTS * DP + tl.arange(0, DP)
            keys = _load(k, other * HK + head // GROUP, inside, column, D, NUMBER)
            if edge_key is not None:
                keys += _load(edge_key, edge * H + head, inside, column, D, NUMBER)
            for first in range(0, A, AP):
                some = first + tl.arange(0, AP)
                weights = _load(key_proj, some * H + head, some < A, column, D, NUMBER)
                chunk = features
                if A > AP:
                    chunk = _load(edge_attr, edge, inside, some, A, NUMBER)
                keys += tl.dot(chunk, weights, input_precision="ieee", out_dtype=NUMBER)
            hidden = (_load(q, row * H + head, inside, column, D, NUMBER) + keys)[:, :, None, None]
            steepness = activation_slope(hidden, activation(hidden, bend, SCORE), bend, SCORE)
            steepness = tl.reshape(steepness, (BLOCK, DP))
            direction = tl.load(vector + head * D + column, mask=column < D, other=0.0).to(NUMBER)
            grad = tl.load(grad_score + (edge if BY_EDGE else place) * H + head, mask=inside, other=0.0)
            grad = factor * grad[:, None] * direction[None, :] * steepness
            if grad_edge_attr is not None:
                weights = _load(key_proj, own * H + head, own < A, column, D, NUMBER)
                of_features += tl.dot(grad, tl.trans(weights), input_precision="ieee", out_dtype=NUMBER)
            if grad_key_proj is not None:
                total = _load(sums, own * H + head, own < A, column, D, NUMBER)
                total += tl.dot(tl.trans(features), grad, input_precision="ieee", out_dtype=NUMBER)
                at = sums + (own * H + head)[:, None] * D + column[None, :]
                tl.store(at, total, mask=(own < A)[:, None] & (column < D)[None, :])
        if grad_edge_attr is not None:
            at = grad_edge_attr + edge[:, None] * A + own[None, :]
            mask = inside[:, None] & (own < A)[None, :]
            if MORE:
                of_features += tl.load(at, mask=mask, other=0.0)
            tl.store(at, of_features, mask=mask)
