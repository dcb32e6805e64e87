"""The gradients that come through the projection of edge features inside an additive score, from those of the scores.

    dz_ij = scale ds_ij vector act'(z_ij),  z_ij = q_i + k_j + e_ij + W a_ij,    dW = Σ a_ij ⊗ dz_ij,  da_ij = Wᵀ dz_ij

The edges are taken flat, by destination, one head after another: a query is mostly still in the cache.
"""

from typing import NamedTuple

import triton
import triton.language as tl

from graphattn.ops.triton.configuration import padded
from graphattn.ops.triton.scores import activation, activation_slope

_LEAST = 16  # rows and columns of a product of matrices in Triton
_MOST_FEATURES = 64


class ProjectionTile(NamedTuple):
    """The sizes of a program's matrices, and the warps that share them."""

    edges: int
    features: int
    width: int
    warps: int


def projection_tile(width: int, features: int, number_size: int) -> ProjectionTile:
    """The tile for keys of `width` numbers and so many features of edges, in numbers of so many bytes."""
    width, features = max(_LEAST, padded(width)), min(_MOST_FEATURES, max(_LEAST, padded(features)))
    edges = 32 if width <= 64 and number_size == 4 else _LEAST
    return ProjectionTile(edges, features, width, 8 if max(edges, features) * width * number_size > 2**13 else 4)


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
    EDGES: tl.constexpr, NUMBER: tl.constexpr,
):  # fmt: skip
    """One program owns AP features of blocks of edges, one block after another.

    `grad_key_proj` is `[programs, A, H, D]`, zero before, the sum over the edges of each program; `grad_edge_attr` is
    added to if MORE.
    """
    H: tl.constexpr = HK * GROUP
    factor, bend = tl.full((1, 1), scale, NUMBER), tl.full((1, 1, 1), slope, NUMBER)
    own = tl.program_id(1) * AP + tl.arange(0, AP)
    inner, column = tl.arange(0, AP), tl.arange(0, DP)
    sums = tl.program_id(0).to(tl.int64) * (A * H * D) + own[:, None] * (H * D) + column[None, :]
    summed = (own < A)[:, None] & (column < D)[None, :]
    for block in range(tl.program_id(0), (count + EDGES - 1) // EDGES, tl.num_programs(0)):
        place = tl.full((1,), block, tl.int64) * EDGES + tl.arange(0, EDGES)
        inside = place < count
        edge = place
        if edge_ids is not None:
            edge = tl.load(edge_ids + place, mask=inside, other=0).to(tl.int64)
        row = tl.load(owners + place, mask=inside, other=0).to(tl.int64)
        other = tl.load(others + place, mask=inside, other=0).to(tl.int64)
        features = _load(edge_attr, edge, inside, own, A, NUMBER)
        of_features = tl.zeros((EDGES, AP), NUMBER)
        for head in range(H):
            keys = _load(k, other * HK + head // GROUP, inside, column, D, NUMBER)
            if edge_key is not None:
                keys += _load(edge_key, edge * H + head, inside, column, D, NUMBER)
            for first in range(0, A, AP):
                some = first + inner
                weights = _load(key_proj, some * H + head, some < A, column, D, NUMBER)
                chunk = features
                if A > AP:
                    chunk = _load(edge_attr, edge, inside, some, A, NUMBER)
                keys += tl.dot(chunk, weights, input_precision="ieee", out_dtype=NUMBER)
            hidden = (_load(q, row * H + head, inside, column, D, NUMBER) + keys)[:, :, None, None]
            steepness = activation_slope(hidden, activation(hidden, bend, SCORE), bend, SCORE)
            steepness = tl.reshape(steepness, (EDGES, DP))
            direction = tl.load(vector + head * D + column, mask=column < D, other=0.0).to(NUMBER)
            grad = tl.load(grad_score + (edge if BY_EDGE else place) * H + head, mask=inside, other=0.0)
            grad = factor * grad[:, None] * direction[None, :] * steepness
            if grad_edge_attr is not None:
                weights = _load(key_proj, own * H + head, own < A, column, D, NUMBER)
                of_features += tl.dot(grad, tl.trans(weights), input_precision="ieee", out_dtype=NUMBER)
            if grad_key_proj is not None:
                total = tl.load(grad_key_proj + sums + head * D, mask=summed, other=0.0)
                total += tl.dot(tl.trans(features), grad, input_precision="ieee", out_dtype=NUMBER)
                tl.store(grad_key_proj + sums + head * D, total, mask=summed)
        if grad_edge_attr is not None:
            at = grad_edge_attr + edge[:, None] * A + own[None, :]
            mask = inside[:, None] & (own < A)[None, :]
            if MORE:
                of_features += tl.load(at, mask=mask, other=0.0)
            tl.store(at, of_features, mask=mask)
