"""What the gradient of a score under a softmax takes from its row, gathered in one place."""

import triton
import triton.language as tl

from graphattn.ops.triton.tile_ops import load_heads, load_rows, query_heads, rows_of_program, store_heads, sum_of_slots


@triton.jit(do_not_specialize=["count"])
def attend_bwd_row_terms_kernel(
    out, attr_out, lse, rest, weights, grad_out, grad_attr_out, grad_lse, grad_weights, indptr, edge_ids, terms, count,
    TERMS: tl.constexpr, H: tl.constexpr, DV: tl.constexpr, A: tl.constexpr,
    HP: tl.constexpr, DVP: tl.constexpr, AP: tl.constexpr, ROWS: tl.constexpr, SLOTS: tl.constexpr,
    NUMBER: tl.constexpr,
):  # fmt: skip
    """terms `[M, TERMS, H]`: lse_i, rest_i, δ_i = ⟨do_i, out_i⟩ + Σ_j w_ij dw_ij and, if there is one, dlse_i."""
    head, _, real = query_heads(H, 1, HP, 1)
    node, _, there, first, last = rows_of_program(tl.program_id(0), indptr, None, None, count, False, ROWS)
    delta = tl.sum(
        load_rows(grad_out, node, there, head, real, H, DV, DVP, NUMBER)
        * load_rows(out, node, there, head, real, H, DV, DVP, NUMBER),
        3,
    )
    if grad_attr_out is not None:
        delta += tl.sum(
            load_rows(grad_attr_out, node, there, head, real, H, A, AP, NUMBER)
            * load_rows(attr_out, node, there, head, real, H, A, AP, NUMBER),
            3,
        )
    if grad_weights is not None:
        sums = tl.zeros((ROWS, SLOTS, HP), NUMBER)
        place = first + tl.arange(0, SLOTS)[None, :]
        for _ in range((tl.max(last - first) + SLOTS - 1) // SLOTS):
            inside = place < last
            edge = place
            if edge_ids is not None:
                edge = tl.load(edge_ids + place, mask=inside, other=0)
            weight = load_heads(weights, edge, inside, head, real, H, NUMBER)
            sums += weight * load_heads(grad_weights, edge, inside, head, real, H, NUMBER)
            place += SLOTS
        delta += sum_of_slots(sums)
    store_heads(terms, load_heads(lse, node, there, head, real, H, NUMBER), node * TERMS, there, head, real, H)
    store_heads(terms + H, load_heads(rest, node, there, head, real, H, NUMBER), node * TERMS, there, head, real, H)
    store_heads(terms + 2 * H, delta, node * TERMS, there, head, real, H)
    if grad_lse is not None:
        value = load_heads(grad_lse, node, there, head, real, H, NUMBER)
        store_heads(terms + 3 * H, value, node * TERMS, there, head, real, H)
