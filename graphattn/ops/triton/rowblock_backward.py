"""The backward pass over dense rowblocks, by destination and by source, each computing the scores anew.

No gradient of a score is kept: to fetch a row once more for each column of a rowblock costs less than a number for each
edge and head. Names and formulas as in `source`.
"""

import triton
import triton.language as tl

from graphattn.ops.triton.normalizers import weights_and_gradients
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
def attend_bwd_rowblock_destination_kernel(
    q, k, v, bias, grad_out, terms,
    indptr, rowblocks, starts, stops, columns, masks, order, edge_ids,
    grad_q, grad_bias,
    seed, count, scale: tl.float64, keep_scale: tl.float64, threshold: tl.uint32,
    NORMALIZE: tl.constexpr, DROPOUT: tl.constexpr, SHARED: tl.constexpr, TERMS: tl.constexpr,
    HK: tl.constexpr, GROUP: tl.constexpr, D: tl.constexpr, DV: tl.constexpr,
    GP: tl.constexpr, DP: tl.constexpr, DVP: tl.constexpr, COLUMNS: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """One program owns a rowblock of destinations with GP query heads of one key head: their dq, and dbias."""
    H: tl.constexpr = HK * GROUP
    R: tl.constexpr = 16 * GP
    PARTS: tl.constexpr = (GROUP + GP - 1) // GP
    unit, node, there, first, last = rowblock_of_program(rowblocks, starts, stops, count, HK * PARTS, GP)
    key_head = unit // PARTS
    member = unit % PARTS * GP + tl.arange(0, R) // 16
    there &= member < GROUP
    head = key_head * GROUP + member
    row = node * H + head
    factor, kept = tl.full((1, 1), scale, tl.float32), tl.full((1, 1), keep_scale, tl.float32)
    queries = load_vectors(q, row, there, D, DP)
    grads = load_vectors(grad_out, row, there, DV, DVP)
    level, remainder, delta, also = None, None, None, None
    if NORMALIZE == "softmax":
        of_row = terms + node * (TERMS * H) + head
        level = tl.load(of_row, mask=there, other=0.0)[:, None]
        remainder = tl.load(of_row + H, mask=there, other=0.0)[:, None]
        delta = tl.load(of_row + 2 * H, mask=there, other=0.0)[:, None]
        if TERMS == 4:
            also = tl.load(of_row + 3 * H, mask=there, other=0.0)[:, None]
    if DROPOUT:
        drawn = tl.load(seed)
    passed = tl.load(indptr + node, mask=there, other=0).to(tl.int64)

    spoilt = tl.zeros((R,), tl.int32)
    sums = tl.zeros((R, DP), tl.float32)
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
            score += tl.load(bias + edge * H + head[:, None], mask=edges, other=0.0)
        grown = tl.where(edges, kept, 0.0)
        if DROPOUT:
            grown = tl.where(keeps_numbered(drawn, place * H + head[:, None], threshold), grown, 0.0)
        grad = products_of_pairs(grads, values)
        _, grad = weights_and_gradients(score, grad, grown, edges, level, remainder, delta, also, NORMALIZE)
        if grad_bias is not None:
            tl.store(grad_bias + edge * H + head[:, None], grad, mask=edges)
        if grad_q is not None:
            keys, spoils = finite_vectors(keys)
            sums = add_product(sums, grad, keys, False)
            spoilt |= tl.max((edges & spoils[None, :]).to(tl.int32), 1)
        column, mask = following, following_mask

    if grad_q is not None:
        sums = tl.where((spoilt != 0)[:, None], float("nan"), factor * sums)
        store_vectors(grad_q, sums, row, there, D, DP)


@triton.jit(do_not_specialize=["count"])
def attend_bwd_rowblock_source_kernel(
    q, k, v, bias, grad_out, terms,
    indptr, rowblocks, starts, stops, columns, masks, order, edge_ids,
    grad_k, grad_v,
    seed, count, scale: tl.float64, keep_scale: tl.float64, threshold: tl.uint32,
    NORMALIZE: tl.constexpr, DROPOUT: tl.constexpr, SHARED: tl.constexpr, TERMS: tl.constexpr,
    HK: tl.constexpr, GROUP: tl.constexpr, D: tl.constexpr, DV: tl.constexpr,
    DP: tl.constexpr, DVP: tl.constexpr, COLUMNS: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """One program owns a rowblock of sources with one key head: its dk and dv, over its query heads one by one."""
    H: tl.constexpr = HK * GROUP
    key_head, node, there, first, last = rowblock_of_program(rowblocks, starts, stops, count, HK, 1)
    own = node * HK + key_head
    factor, kept = tl.full((1, 1), scale, tl.float32), tl.full((1, 1), keep_scale, tl.float32)
    keys = load_vectors(k, own, there, D, DP)
    values = keys
    if not SHARED:
        values = load_vectors(v, own, there, DV, DVP)
    if DROPOUT:
        drawn = tl.load(seed)
    before = tl.load(indptr + node, mask=there, other=0).to(tl.int64)

    spoilt_keys, spoilt_values = tl.zeros((16,), tl.int32), tl.zeros((16,), tl.int32)
    key_sums, value_sums = tl.zeros((16, DP), tl.float32), tl.zeros((16, DVP), tl.float32)
    for member in range(GROUP):
        head = key_head * GROUP + member
        passed = before
        slot = first + tl.arange(0, COLUMNS)
        column, mask = load_columns(columns, masks, slot, last)
        for _ in tl.range(first, last, COLUMNS, num_stages=STAGES):
            inside, edges = slot < last, edges_of_masks(mask, there, 16)
            slot += COLUMNS
            following, following_mask = load_columns(columns, masks, slot, last)
            queries = load_vectors(q, column.to(tl.int64) * H + head, inside, D, DP)
            grads = load_vectors(grad_out, column.to(tl.int64) * H + head, inside, DV, DVP)
            score = factor * products_of_pairs(keys, queries)
            if DROPOUT or bias is not None:
                place, passed = places_of_edges(edges, passed, order)
                edge = place
                if edge_ids is not None:
                    edge = tl.load(edge_ids + place, mask=edges, other=0).to(tl.int64)
            if bias is not None:
                score += tl.load(bias + edge * H + head, mask=edges, other=0.0)
            grown = tl.where(edges, kept, 0.0)
            if DROPOUT:
                grown = tl.where(keeps_numbered(drawn, place * H + head, threshold), grown, 0.0)
            grad = products_of_pairs(values, grads)
            level, remainder, delta, also = None, None, None, None
            if NORMALIZE == "softmax":
                of_column = terms + column.to(tl.int64) * (TERMS * H) + head
                level = tl.load(of_column, mask=inside, other=0.0)[None, :]
                remainder = tl.load(of_column + H, mask=inside, other=0.0)[None, :]
                delta = tl.load(of_column + 2 * H, mask=inside, other=0.0)[None, :]
                if TERMS == 4:
                    also = tl.load(of_column + 3 * H, mask=inside, other=0.0)[None, :]
            weight, grad = weights_and_gradients(score, grad, grown, edges, level, remainder, delta, also, NORMALIZE)
            if grad_v is not None:
                grads, spoils = finite_vectors(grads)
                value_sums = add_product(value_sums, weight, grads, False)
                spoilt_values |= tl.max((edges & spoils[None, :]).to(tl.int32), 1)
            if grad_k is not None:
                queries, spoils = finite_vectors(queries)
                key_sums = add_product(key_sums, grad, queries, False)
                spoilt_keys |= tl.max((edges & spoils[None, :]).to(tl.int32), 1)
            column, mask = following, following_mask

    if grad_k is not None:
        key_sums = tl.where((spoilt_keys != 0)[:, None], float("nan"), factor * key_sums)
        store_vectors(grad_k, key_sums, own, there, D, DP)
    if grad_v is not None:
        value_sums = tl.where((spoilt_values != 0)[:, None], float("nan"), value_sums)
        store_vectors(grad_v, value_sums, own, there, DV, DVP)
