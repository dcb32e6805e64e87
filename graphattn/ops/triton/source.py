"""The backward pass over the edges by source: gradients of keys, values, edge tensors and scores.

It gathers queries and output gradients, and leaves the gradient of each score for the pass by destination, which then
gathers only keys: three rows for each edge, where two independent passes would gather four.

    w_ij = p_ij m_ij,   dp_ij = m_ij (⟨do_i, v_j + u_ij⟩ + dw_ij)
    ds_ij = p_ij (dp_ij − δ_i + dlse_i) for a softmax, f'(s_ij) dp_ij for weights f(s_ij)
    dv_j = Σ_i w_ij do_i,   and for a dot score dk_j = scale Σ_i ds_ij q_i
"""

import triton
import triton.language as tl

from graphattn.ops.triton.normalizers import weights_and_gradients
from graphattn.ops.triton.random import keeps
from graphattn.ops.triton.scores import activation, activation_slope, inside_of_sum, scores_of_tile
from graphattn.ops.triton.tile_ops import (
    key_heads,
    load_features,
    load_heads,
    load_rows,
    query_heads,
    rows_of_program,
    store_features,
    store_heads,
    store_rows,
    sum_of_groups,
    sum_of_slots,
    with_features,
)


@triton.jit(do_not_specialize=["count"])
def attend_bwd_source_kernel(
    q, k, v, bias, edge_key, edge_value, edge_attr, attr_query, key_proj, vector,
    grad_out, grad_attr_out, grad_weights, terms,
    starts, stops, rows, others, places, edge_ids,
    grad_score, grad_k, grad_v, grad_edge_key, grad_edge_value, grad_edge_attr, grad_vector,
    seed, count, scale: tl.float64, slope: tl.float64, keep_scale: tl.float64, threshold: tl.uint32,
    SCORE: tl.constexpr, NORMALIZE: tl.constexpr, DROPOUT: tl.constexpr, SHARED: tl.constexpr, PIECES: tl.constexpr,
    TERMS: tl.constexpr, BY_EDGE: tl.constexpr,
    HK: tl.constexpr, GROUP: tl.constexpr, D: tl.constexpr, DV: tl.constexpr, A: tl.constexpr,
    HKP: tl.constexpr, GP: tl.constexpr, DP: tl.constexpr, DVP: tl.constexpr, AP: tl.constexpr,
    ROWS: tl.constexpr, SLOTS: tl.constexpr, STAGES: tl.constexpr, NUMBER: tl.constexpr,
):  # fmt: skip
    """One program owns R sources, or a piece of one, with all heads; several such, one after another, for `vector`.

    `grad_score` is written at the edge's place by destination, or at the caller's edge if BY_EDGE: then it is the
    gradient of the bias as well. `grad_vector` is `[programs, H, D]`, the sum over the edges of each program.
    """
    H: tl.constexpr = HK * GROUP
    HP: tl.constexpr = HKP * GP
    ADDITIVE: tl.constexpr = (SCORE == "leaky_relu") or (SCORE == "tanh")
    head, key_head, real = query_heads(HK, GROUP, HKP, GP)
    own_head, own_real = key_heads(HK, HKP)
    factor, bend = tl.full((1, 1, 1), scale, NUMBER), tl.full((1, 1, 1), slope, NUMBER)
    kept = tl.full((1, 1, 1), keep_scale, NUMBER)
    one = tl.zeros((1, 1), tl.int32)
    direction, drawn = None, None
    if ADDITIVE:
        direction = load_rows(vector, one, one == 0, head, real, H, D, DP, NUMBER)
    if DROPOUT:
        drawn = tl.load(seed)
    vector_sums = tl.zeros((ROWS, SLOTS, HP, DP), NUMBER)

    for part in range(tl.program_id(0), (count + ROWS - 1) // ROWS, tl.num_programs(0)):
        node, target, there, first, last = rows_of_program(part, starts, stops, rows, count, PIECES, ROWS)
        keys = None
        if SCORE == "sum":
            keys = load_heads(k, node, there, key_head, real, HK, NUMBER)
        elif SCORE != "none":
            keys = load_rows(k, node, there, key_head, real, HK, D, DP, NUMBER)
        if SHARED:
            values = keys
        else:
            values = load_rows(v, node, there, key_head, real, HK, DV, DVP, NUMBER)
        key_sums = tl.zeros((ROWS, SLOTS, HP, DP), NUMBER)
        value_sums = tl.zeros((ROWS, SLOTS, HP, DVP), NUMBER)

        at = first + tl.arange(0, SLOTS)[None, :]
        other = tl.load(others + at, mask=at < last, other=0)
        for _ in tl.range(0, (tl.max(last - first) + SLOTS - 1) // SLOTS, num_stages=STAGES):
            inside = at < last
            following = tl.load(others + at + SLOTS, mask=at + SLOTS < last, other=0)
            place = tl.load(places + at, mask=inside, other=0)
            edge = place
            if edge_ids is not None:
                edge = tl.load(edge_ids + place, mask=inside, other=0)
            own_values = values
            if SCORE != "none":
                own_keys = keys
            queries, biases, features, queries_of_features = None, None, None, None
            if SCORE == "sum":
                queries = load_heads(q, other, inside, head, real, H, NUMBER)
            elif SCORE != "none":
                queries = load_rows(q, other, inside, head, real, H, D, DP, NUMBER)
            grads = load_rows(grad_out, other, inside, head, real, H, DV, DVP, NUMBER)
            if edge_key is not None:
                own_keys = keys + load_rows(edge_key, edge, inside, head, real, H, D, DP, NUMBER)
            if key_proj is not None:
                own_keys = with_features(
                    own_keys, edge_attr, edge, inside, key_proj, head, real, H, A, D, HP, DP, NUMBER
                )
            if edge_value is not None:
                own_values = values + load_rows(edge_value, edge, inside, head, real, H, DV, DVP, NUMBER)
            if attr_query is not None or grad_attr_out is not None:
                features = load_features(edge_attr, edge, inside, A, AP, NUMBER)
            if attr_query is not None:
                queries_of_features = load_rows(attr_query, other, inside, head, real, H, A, AP, NUMBER)
            if bias is not None:
                biases = load_heads(bias, edge, inside, head, real, H, NUMBER)
            if SCORE == "none":
                score = tl.zeros((ROWS, SLOTS, HP), NUMBER) if bias is None else biases
            else:
                score = scores_of_tile(
                    queries, own_keys, biases, queries_of_features, features, direction, factor, bend, SCORE
                )

            grad = tl.sum(grads * own_values, 3)
            if grad_attr_out is not None:
                grads_of_features = load_rows(grad_attr_out, other, inside, head, real, H, A, AP, NUMBER)
                grad += tl.sum(grads_of_features * features, 3)
            if grad_weights is not None:
                grad += load_heads(grad_weights, edge, inside, head, real, H, NUMBER)
            grown = tl.where(inside[:, :, None], kept, 0.0)
            if DROPOUT:
                grown = tl.where(keeps(drawn, place, head, threshold, H), grown, 0.0)
            level, remainder, delta, also = None, None, None, None
            if NORMALIZE == "softmax":
                row = other.to(tl.int64) * TERMS
                level = load_heads(terms, row, inside, head, real, H, NUMBER)
                remainder = load_heads(terms + H, row, inside, head, real, H, NUMBER)
                delta = load_heads(terms + 2 * H, row, inside, head, real, H, NUMBER)
                if TERMS == 4:
                    also = load_heads(terms + 3 * H, row, inside, head, real, H, NUMBER)
            weight, grad = weights_and_gradients(
                score, grad, grown, inside[:, :, None], level, remainder, delta, also, NORMALIZE
            )

            if SCORE == "sum":
                grad *= factor * tl.where(inside_of_sum(queries, own_keys, biases) > 0, 1.0, bend)
            if grad_score is not None:
                store_heads(grad_score, grad, edge if BY_EDGE else place, inside, head, real, H)
            if grad_v is not None:
                value_sums += weight[:, :, :, None] * grads
            if grad_edge_value is not None:
                store_rows(grad_edge_value, weight[:, :, :, None] * grads, edge, inside, head, real, H, DV, DVP)
            if grad_edge_attr is not None:
                of_features = tl.zeros((ROWS, SLOTS, AP), NUMBER)
                if attr_query is not None:
                    of_features += tl.sum((factor * grad)[:, :, :, None] * queries_of_features, 2)
                if grad_attr_out is not None:
                    of_features += tl.sum(weight[:, :, :, None] * grads_of_features, 2)
                store_features(grad_edge_attr, of_features, edge, inside, A, AP)
            if SCORE == "sum":
                key_sums += grad[:, :, :, None]
            elif SCORE != "none" and (grad_k is not None or grad_edge_key is not None or grad_vector is not None):
                grad = (factor * grad)[:, :, :, None]
                if SCORE == "dot":
                    of_keys = grad * queries
                else:
                    hidden = queries + own_keys
                    value = activation(hidden, bend, SCORE)
                    of_keys = grad * direction * activation_slope(hidden, value, bend, SCORE)
                    if grad_vector is not None:
                        vector_sums += grad * value
                if grad_edge_key is not None:
                    store_rows(grad_edge_key, of_keys, edge, inside, head, real, H, D, DP)
                key_sums += of_keys
            at += SLOTS
            other = following

        if grad_k is not None:
            total = sum_of_groups(sum_of_slots(key_sums), HKP, GP)
            store_rows(grad_k, total, target, there, own_head, own_real, HK, 1 if SCORE == "sum" else D, DP)
        if grad_v is not None:
            total = sum_of_groups(sum_of_slots(value_sums), HKP, GP)
            store_rows(grad_v, total, target, there, own_head, own_real, HK, DV, DVP)
    if grad_vector is not None:
        total = tl.sum(sum_of_slots(vector_sums), 0)[None, :, :, :]
        store_rows(grad_vector, total, one + tl.program_id(0), one == 0, head, real, H, D, DP)
