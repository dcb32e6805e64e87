"""The forward pass: one program owns R rows, or a piece of a long one, with all heads.

Each of the S slots of a row walks over its own edges (slot, slot + S, …) with its own running maximum, sum and weighted
sum of values; only after the last edge are the slots put together. So nothing crosses lanes inside the loop but the sum
over D of a score, and the S rows that a step gathers are all under way at once.
"""

import triton
import triton.language as tl

from graphattn.ops.triton.normalizers import weights_of_tile
from graphattn.ops.triton.random import keeps
from graphattn.ops.triton.scores import scores_of_tile
from graphattn.ops.triton.tile_ops import (
    load_features,
    load_heads,
    load_rows,
    query_heads,
    rows_of_program,
    store_heads,
    store_rows,
    sum_of_slots,
    with_features,
)


@triton.jit(do_not_specialize=["count"])
def attend_fwd_kernel(
    q, k, v, bias, edge_key, edge_value, edge_attr, attr_query, key_proj, vector,
    starts, stops, rows, others, edge_ids,
    out, attr_out, lse, rest, weights,
    seed, count, scale: tl.float64, slope: tl.float64, keep_scale: tl.float64, threshold: tl.uint32,
    SCORE: tl.constexpr, NORMALIZE: tl.constexpr, DROPOUT: tl.constexpr, SHARED: tl.constexpr, PIECES: tl.constexpr,
    HK: tl.constexpr, GROUP: tl.constexpr, D: tl.constexpr, DV: tl.constexpr, A: tl.constexpr,
    HKP: tl.constexpr, GP: tl.constexpr, DP: tl.constexpr, DVP: tl.constexpr, AP: tl.constexpr,
    ROWS: tl.constexpr, SLOTS: tl.constexpr, STAGES: tl.constexpr, NUMBER: tl.constexpr,
):  # fmt: skip
    """out_i = Σ_j w_ij m_ij (v_j + u_ij), w the normalized scores, m the dropout mask over 1 − p; lse_i and rest_i.

    A piece leaves its largest score in `lse`, the sum of the exponentials in `rest`, and sums that are not yet
    normalized. `weights` is left with the scores of a softmax.
    """
    H: tl.constexpr = HK * GROUP
    ADDITIVE: tl.constexpr = (SCORE == "leaky_relu") or (SCORE == "tanh")
    head, key_head, real = query_heads(HK, GROUP, HKP, GP)
    node, target, there, first, last = rows_of_program(tl.program_id(0), starts, stops, rows, count, PIECES, ROWS)
    factor, bend = tl.full((1, 1, 1), scale, NUMBER), tl.full((1, 1, 1), slope, NUMBER)
    queries, queries_of_features, direction, drawn = None, None, None, None
    if SCORE == "sum":
        queries = load_heads(q, node, there, head, real, H, NUMBER)
    elif SCORE != "none":
        queries = load_rows(q, node, there, head, real, H, D, DP, NUMBER)
    if attr_query is not None:
        queries_of_features = load_rows(attr_query, node, there, head, real, H, A, AP, NUMBER)
    if ADDITIVE:
        one = tl.zeros((1, 1), tl.int32)
        direction = load_rows(vector, one, one == 0, head, real, H, D, DP, NUMBER)
    if DROPOUT:
        drawn = tl.load(seed)

    top = tl.full((ROWS, SLOTS, HKP * GP), float("-inf"), NUMBER)
    total = tl.zeros((ROWS, SLOTS, HKP * GP), NUMBER)
    sums = tl.zeros((ROWS, SLOTS, HKP * GP, DVP), NUMBER)
    means = tl.zeros((ROWS, SLOTS, HKP * GP, AP), NUMBER)

    place = first + tl.arange(0, SLOTS)[None, :]
    other = tl.load(others + place, mask=place < last, other=0)
    for _ in tl.range(0, (tl.max(last - first) + SLOTS - 1) // SLOTS, num_stages=STAGES):
        inside = place < last
        following = tl.load(others + place + SLOTS, mask=place + SLOTS < last, other=0)  # under way before it is needed
        edge = place
        if edge_ids is not None:
            edge = tl.load(edge_ids + place, mask=inside, other=0)
        keys, biases, features = None, None, None
        if SCORE == "sum":
            keys = load_heads(k, other, inside, key_head, real, HK, NUMBER)
        elif SCORE != "none":
            keys = load_rows(k, other, inside, key_head, real, HK, D, DP, NUMBER)
        if SHARED:
            values = keys
        else:
            values = load_rows(v, other, inside, key_head, real, HK, DV, DVP, NUMBER)
        if edge_key is not None:
            keys += load_rows(edge_key, edge, inside, head, real, H, D, DP, NUMBER)
        if key_proj is not None:
            keys = with_features(keys, edge_attr, edge, inside, key_proj, head, real, H, A, D, HKP * GP, DP, NUMBER)
        if edge_value is not None:
            values += load_rows(edge_value, edge, inside, head, real, H, DV, DVP, NUMBER)
        if attr_query is not None or attr_out is not None:
            features = load_features(edge_attr, edge, inside, A, AP, NUMBER)
        if bias is not None:
            biases = load_heads(bias, edge, inside, head, real, H, NUMBER)
        if SCORE == "none":
            score = tl.zeros((ROWS, SLOTS, HKP * GP), NUMBER) if bias is None else biases
        else:
            score = scores_of_tile(queries, keys, biases, queries_of_features, features, direction, factor, bend, SCORE)
        if NORMALIZE == "softmax":
            if weights is not None:
                store_heads(weights, score, edge, inside, head, real, H)
            score = tl.where(inside[:, :, None], score, float("-inf"))
            larger = tl.maximum(top, score)
            finite = tl.where(larger == float("-inf"), 0.0, larger)  # no edge yet, or all hidden: any number will do
            shrink = tl.exp(top - finite)
            weight = tl.exp(score - finite)
            total = total * shrink + weight
            top = larger
            if DROPOUT:
                weight = tl.where(keeps(drawn, place, head, threshold, H), weight, 0.0)
            sums = sums * shrink[:, :, :, None] + weight[:, :, :, None] * values
            if attr_out is not None:
                means = means * shrink[:, :, :, None] + weight[:, :, :, None] * features
        else:
            weight = tl.where(inside[:, :, None], weights_of_tile(score, NORMALIZE), 0.0)
            weight *= tl.full((1, 1, 1), keep_scale, NUMBER)
            if DROPOUT:
                weight = tl.where(keeps(drawn, place, head, threshold, H), weight, 0.0)
            if weights is not None:
                store_heads(weights, weight, edge, inside, head, real, H)
            sums += weight[:, :, :, None] * values
            if attr_out is not None:
                means += weight[:, :, :, None] * features
        place += SLOTS
        other = following

    if NORMALIZE == "softmax":
        largest = tl.expand_dims(tl.max(top, 1), 1)
        finite = tl.where(largest == float("-inf"), 0.0, largest)
        share = tl.exp(top - finite)
        whole = sum_of_slots(total * share)
        sums, means = sums * share[:, :, :, None], means * share[:, :, :, None]
        if PIECES:
            store_heads(lse, largest, target, there, head, real, H)
            store_heads(rest, whole, target, there, head, real, H)
            shrink = tl.full((1, 1, 1), 1.0, NUMBER)
        else:
            hidden = whole == 0
            log_total = tl.log(tl.where(hidden, 1.0, whole))
            level = finite + log_total
            store_heads(lse, tl.where(hidden, float("-inf"), level), target, there, head, real, H)
            store_heads(rest, tl.where(hidden, 0.0, log_total - (level - finite)), target, there, head, real, H)
            shrink = tl.where(hidden, 0.0, tl.full((1, 1, 1), keep_scale, NUMBER) / tl.where(hidden, 1.0, whole))
        sums = sum_of_slots(sums) * shrink[:, :, :, None]
        means = sum_of_slots(means) * shrink[:, :, :, None]
    else:
        sums, means = sum_of_slots(sums), sum_of_slots(means)
    store_rows(out, sums, target, there, head, real, H, DV, DVP)
    if attr_out is not None:
        store_rows(attr_out, means, target, there, head, real, H, A, AP)


@triton.jit(do_not_specialize=["count"])
def attend_fwd_weights_kernel(
    weights, lse, rest, edge_ids, starts, stops, rows, seed, count, keep_scale: tl.float64, threshold: tl.uint32,
    DROPOUT: tl.constexpr, PIECES: tl.constexpr, H: tl.constexpr, HP: tl.constexpr,
    ROWS: tl.constexpr, SLOTS: tl.constexpr, NUMBER: tl.constexpr,
):  # fmt: skip
    """The scores `[E, H]` that a softmax left in `weights` to weights: exp(s_ij − lse_i) m_ij."""
    head = tl.arange(0, HP)
    real = head < H
    node, _, there, first, last = rows_of_program(tl.program_id(0), starts, stops, rows, count, PIECES, ROWS)
    level = load_heads(lse, node, there, head, real, H, NUMBER)
    remainder = load_heads(rest, node, there, head, real, H, NUMBER)
    factor = tl.full((1, 1, 1), keep_scale, NUMBER)
    place = first + tl.arange(0, SLOTS)[None, :]
    for _ in range((tl.max(last - first) + SLOTS - 1) // SLOTS):
        inside = place < last
        edge = place
        if edge_ids is not None:
            edge = tl.load(edge_ids + place, mask=inside, other=0)
        score = load_heads(weights, edge, inside, head, real, H, NUMBER)
        exponent = tl.where(level == float("-inf"), float("-inf"), (score - level) - remainder)
        weight = tl.exp(exponent) * factor
        if DROPOUT:
            weight = tl.where(keeps(tl.load(seed), place, head, threshold, H), weight, 0.0)
        store_heads(weights, weight, edge, inside, head, real, H)
        place += SLOTS
