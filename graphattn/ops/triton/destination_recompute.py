"""The pass by destination that recomputes the gradients of the scores, from keys and values.

Used if they would take too much memory, or if a pass by source would be needed for nothing else.
"""

import triton
import triton.language as tl

from graphattn.ops.triton.normalizers import weights_and_gradients
from graphattn.ops.triton.random import keeps
from graphattn.ops.triton.scores import activation, activation_slope, inside_of_sum, scores_of_tile
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
def attend_bwd_destination_recompute_kernel(
    q, k, v, edge_key, edge_value, edge_attr, attr_query, key_proj, vector, bias,
    grad_out, grad_attr_out, grad_weights, terms,
    starts, stops, rows, others, edge_ids,
    grad_q, grad_attr_query, grad_bias,
    seed, count, scale: tl.float64, slope: tl.float64, keep_scale: tl.float64, threshold: tl.uint32,
    SCORE: tl.constexpr, NORMALIZE: tl.constexpr, DROPOUT: tl.constexpr, SHARED: tl.constexpr, PIECES: tl.constexpr,
    TERMS: tl.constexpr,
    HK: tl.constexpr, GROUP: tl.constexpr, D: tl.constexpr, DV: tl.constexpr, A: tl.constexpr,
    HKP: tl.constexpr, GP: tl.constexpr, DP: tl.constexpr, DVP: tl.constexpr, AP: tl.constexpr,
    ROWS: tl.constexpr, SLOTS: tl.constexpr, STAGES: tl.constexpr, NUMBER: tl.constexpr,
):  # fmt: skip
    """One program owns R destinations, or a piece of one, with all heads; for scores that have queries.

    `grad_bias` is for a dot score alone.
    """
    H: tl.constexpr = HK * GROUP
    ADDITIVE: tl.constexpr = (SCORE == "leaky_relu") or (SCORE == "tanh")
    head, key_head, real = query_heads(HK, GROUP, HKP, GP)
    node, target, there, first, last = rows_of_program(tl.program_id(0), starts, stops, rows, count, PIECES, ROWS)
    factor, bend = tl.full((1, 1, 1), scale, NUMBER), tl.full((1, 1, 1), slope, NUMBER)
    kept = tl.full((1, 1, 1), keep_scale, NUMBER)
    direction, drawn, queries_of_features = None, None, None
    if SCORE == "sum":
        queries = load_heads(q, node, there, head, real, H, NUMBER)
    else:
        queries = load_rows(q, node, there, head, real, H, D, DP, NUMBER)
    if attr_query is not None:
        queries_of_features = load_rows(attr_query, node, there, head, real, H, A, AP, NUMBER)
    if ADDITIVE:
        one = tl.zeros((1, 1), tl.int32)
        direction = load_rows(vector, one, one == 0, head, real, H, D, DP, NUMBER)
    if DROPOUT:
        drawn = tl.load(seed)
    grads = load_rows(grad_out, node, there, head, real, H, DV, DVP, NUMBER)
    if grad_attr_out is not None:
        grads_of_features = load_rows(grad_attr_out, node, there, head, real, H, A, AP, NUMBER)
    level, remainder, delta, also = None, None, None, None
    if NORMALIZE == "softmax":
        level = load_heads(terms, node * TERMS, there, head, real, H, NUMBER)
        remainder = load_heads(terms + H, node * TERMS, there, head, real, H, NUMBER)
        delta = load_heads(terms + 2 * H, node * TERMS, there, head, real, H, NUMBER)
        if TERMS == 4:
            also = load_heads(terms + 3 * H, node * TERMS, there, head, real, H, NUMBER)
    sums = tl.zeros((ROWS, SLOTS, HKP * GP, DP), NUMBER)
    sums_of_features = tl.zeros((ROWS, SLOTS, HKP * GP, AP), NUMBER)

    place = first + tl.arange(0, SLOTS)[None, :]
    other = tl.load(others + place, mask=place < last, other=0)
    for _ in tl.range(0, (tl.max(last - first) + SLOTS - 1) // SLOTS, num_stages=STAGES):
        inside = place < last
        following = tl.load(others + place + SLOTS, mask=place + SLOTS < last, other=0)
        edge = place
        if edge_ids is not None:
            edge = tl.load(edge_ids + place, mask=inside, other=0)
        biases, features = None, None
        if SCORE == "sum":
            keys = load_heads(k, other, inside, key_head, real, HK, NUMBER)
        else:
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
        if attr_query is not None or grad_attr_out is not None:
            features = load_features(edge_attr, edge, inside, A, AP, NUMBER)
        if bias is not None:
            biases = load_heads(bias, edge, inside, head, real, H, NUMBER)
        score = scores_of_tile(queries, keys, biases, queries_of_features, features, direction, factor, bend, SCORE)

        grad = tl.sum(grads * values, 3)
        if grad_attr_out is not None:
            grad += tl.sum(grads_of_features * features, 3)
        if grad_weights is not None:
            grad += load_heads(grad_weights, edge, inside, head, real, H, NUMBER)
        grown = tl.where(inside[:, :, None], kept, 0.0)
        if DROPOUT:
            grown = tl.where(keeps(drawn, place, head, threshold, H), grown, 0.0)
        _, grad = weights_and_gradients(
            score, grad, grown, inside[:, :, None], level, remainder, delta, also, NORMALIZE
        )
        if grad_bias is not None:
            store_heads(grad_bias, grad, edge, inside, head, real, H)

        grad *= factor
        if SCORE == "sum":
            sums += (grad * tl.where(inside_of_sum(queries, keys, biases) > 0, 1.0, bend))[:, :, :, None]
        else:
            grad = grad[:, :, :, None]
            if ADDITIVE:
                hidden = queries + keys
                keys = direction * activation_slope(hidden, activation(hidden, bend, SCORE), bend, SCORE)
            sums += grad * keys
            if grad_attr_query is not None:
                sums_of_features += grad * features
        place += SLOTS
        other = following

    if grad_q is not None:
        store_rows(grad_q, sum_of_slots(sums), target, there, head, real, H, 1 if SCORE == "sum" else D, DP)
    if grad_attr_query is not None:
        store_rows(grad_attr_query, sum_of_slots(sums_of_features), target, there, head, real, H, A, AP)
