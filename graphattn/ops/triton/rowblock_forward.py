"""The forward pass over dense rowblocks: a key and a value are fetched once for the 16 rows of a rowblock.

Scores and weighted sums are products of matrices, for tensor cores, over the rowblock's columns C at a time; a bit says
which of the pairs are edges. As in `forward`, the softmax is computed as it goes.
"""

import triton
import triton.language as tl

from graphattn.ops.triton.normalizers import weights_of_tile
from graphattn.ops.triton.random import keeps_numbered
from graphattn.ops.triton.rowblock_tile import (
    add_product,
    edges_of_masks,
    finite_vectors,
    load_columns,
    load_vectors,
    places_of_edges,
    products_of_pairs,
    rowblock_of_program,
    store_vectors,
)


@triton.jit(do_not_specialize=["count"])
def attend_fwd_rowblock_kernel(
    q, k, v, bias,
    indptr, rowblocks, starts, stops, columns, masks, order, edge_ids,
    out, lse, rest,
    seed, count, scale: tl.float64, keep_scale: tl.float64, threshold: tl.uint32,
    NORMALIZE: tl.constexpr, DROPOUT: tl.constexpr, SHARED: tl.constexpr,
    HK: tl.constexpr, GROUP: tl.constexpr, D: tl.constexpr, DV: tl.constexpr,
    GP: tl.constexpr, DP: tl.constexpr, DVP: tl.constexpr, COLUMNS: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """One program owns a rowblock with GP query heads of one key head; results as those of `attend_fwd_kernel`."""
    H: tl.constexpr = HK * GROUP
    R: tl.constexpr = 16 * GP
    PARTS: tl.constexpr = (GROUP + GP - 1) // GP
    unit, node, there, first, last = rowblock_of_program(rowblocks, starts, stops, count, HK * PARTS, GP)
    key_head = unit // PARTS
    member = unit % PARTS * GP + tl.arange(0, R) // 16
    there &= member < GROUP
    row = node * H + key_head * GROUP + member
    factor, grown = tl.full((1, 1), scale, tl.float32), tl.full((1, 1), keep_scale, tl.float32)
    queries = load_vectors(q, row, there, D, DP)
    if DROPOUT:
        drawn = tl.load(seed)
    passed = tl.load(indptr + node, mask=there, other=0).to(tl.int64)

    top = tl.full((R,), float("-inf"), tl.float32)
    total = tl.zeros((R,), tl.float32)
    spoilt = tl.zeros((R,), tl.int32)
    sums = tl.zeros((R, DVP), tl.float32)
    slot = first + tl.arange(0, COLUMNS)
    column, mask = load_columns(columns, masks, slot, last)
    for _ in tl.range(first, last, COLUMNS, num_stages=STAGES):
        inside, edges = slot < last, edges_of_masks(mask, there, R)
        slot += COLUMNS
        following, following_mask = load_columns(columns, masks, slot, last)  # under way before they are needed
        keys = load_vectors(k, column.to(tl.int64) * HK + key_head, inside, D, DP)
        values = keys
        if not SHARED:
            values = load_vectors(v, column.to(tl.int64) * HK + key_head, inside, DV, DVP)
        score = factor * products_of_pairs(queries, keys)
        if DROPOUT or bias is not None:
            place, passed = places_of_edges(edges, passed, order)
            edge = place
            if edge_ids is not None:
                edge = tl.load(edge_ids + place, mask=edges, other=0).to(tl.int64)
        if bias is not None:
            score += tl.load(bias + edge * H + (row - node * H)[:, None], mask=edges, other=0.0)
        if NORMALIZE == "softmax":
            score = tl.where(edges, score, float("-inf"))
            larger = tl.maximum(top, tl.max(score, 1))
            finite = tl.where(larger == float("-inf"), 0.0, larger)
            shrink = tl.exp(top - finite)
            weight = tl.exp(score - finite[:, None])
            total = total * shrink + tl.sum(weight, 1)
            top = larger
            sums *= shrink[:, None]
        else:
            weight = tl.where(edges, weights_of_tile(score, NORMALIZE), 0.0) * grown
        if DROPOUT:
            kept = keeps_numbered(drawn, place * H + (row - node * H)[:, None], threshold)
            weight = tl.where(kept, weight, 0.0)
        values, spoils = finite_vectors(values)
        sums = add_product(sums, weight, values, NORMALIZE == "softmax")
        spoilt |= tl.max((edges & spoils[None, :]).to(tl.int32), 1)
        column, mask = following, following_mask

    sums = tl.where((spoilt != 0)[:, None], float("nan"), sums)
    if NORMALIZE == "softmax":
        finite = tl.where(top == float("-inf"), 0.0, top)
        hidden = total == 0
        log_total = tl.log(tl.where(hidden, 1.0, total))
        level = finite + log_total
        tl.store(lse + row, tl.where(hidden, float("-inf"), level), mask=there)
        tl.store(rest + row, tl.where(hidden, 0.0, log_total - (level - finite)), mask=there)
        sums *= tl.where(hidden[:, None], 0.0, grown / tl.where(hidden, 1.0, total)[:, None])
    store_vectors(out, sums, row, there, DV, DVP)
