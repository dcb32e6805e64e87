"""The backward pass over the edges by destination: gradients of queries, from those of the scores.

dq_i = scale Σ_j ds_ij (k_j + e_ij) for a dot score: it gathers keys alone, and for a "sum" no row at all.
"""

import triton
import triton.language as tl

from graphattn.ops.triton.scores import activation, activation_slope
from graphattn.ops.triton.tile_ops import (
    load_features,
    load_heads,
    load_rows,
    query_heads,
    rows_of_program,
    store_rows,
    sum_of_slots,
    with_features,
)


@triton.jit(do_not_specialize=["count"])
def attend_bwd_destination_kernel(
    q, k, edge_key, edge_attr, key_proj, vector, grad_score,
    starts, stops, rows, others, edge_ids,
    grad_q, grad_attr_query,
    count, scale: tl.float64, slope: tl.float64,
    SCORE: tl.constexpr, PIECES: tl.constexpr, BY_EDGE: tl.constexpr,
    HK: tl.constexpr, GROUP: tl.constexpr, D: tl.constexpr, A: tl.constexpr,
    HKP: tl.constexpr, GP: tl.constexpr, DP: tl.constexpr, AP: tl.constexpr,
    ROWS: tl.constexpr, SLOTS: tl.constexpr, STAGES: tl.constexpr, NUMBER: tl.constexpr,
):  # fmt: skip
    """One program owns R destinations, or a piece of one, with all heads."""
    H: tl.constexpr = HK * GROUP
    ADDITIVE: tl.constexpr = (SCORE == "leaky_relu") or (SCORE == "tanh")
    head, key_head, real = query_heads(HK, GROUP, HKP, GP)
    node, target, there, first, last = rows_of_program(tl.program_id(0), starts, stops, rows, count, PIECES, ROWS)
    factor, bend = tl.full((1, 1, 1), scale, NUMBER), tl.full((1, 1, 1), slope, NUMBER)
    if ADDITIVE:
        one = tl.zeros((1, 1), tl.int32)
        direction = load_rows(vector, one, one == 0, head, real, H, D, DP, NUMBER)
        queries = load_rows(q, node, there, head, real, H, D, DP, NUMBER)
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
        grad = load_heads(grad_score, edge if BY_EDGE else place, inside, head, real, H, NUMBER)
        if SCORE == "sum":
            sums += grad[:, :, :, None]
        else:
            grad = (factor * grad)[:, :, :, None]
            if grad_q is not None:
                keys = load_rows(k, other, inside, key_head, real, HK, D, DP, NUMBER)
                if edge_key is not None:
                    keys += load_rows(edge_key, edge, inside, head, real, H, D, DP, NUMBER)
                if key_proj is not None:
                    keys = with_features(
                        keys, edge_attr, edge, inside, key_proj, head, real, H, A, D, HKP * GP, DP, NUMBER
                    )
                if ADDITIVE:
                    hidden = queries + keys
                    keys = direction * activation_slope(hidden, activation(hidden, bend, SCORE), bend, SCORE)
                sums += grad * keys
            if grad_attr_query is not None:
                sums_of_features += grad * load_features(edge_attr, edge, inside, A, AP, NUMBER)
        place += SLOTS
        other = following

    if grad_q is not None:
        store_rows(grad_q, sum_of_slots(sums), target, there, head, real, H, 1 if SCORE == "sum" else D, DP)
    if grad_attr_query is not None:
        store_rows(grad_attr_query, sum_of_slots(sums_of_features), target, there, head, real, H, A, AP)
