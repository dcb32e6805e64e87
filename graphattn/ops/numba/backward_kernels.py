"""The backward pass: one kernel over the edges by source, one by destination.

The pass by source gathers queries and output gradients, and leaves the gradient of each score, `[E, H]`; the pass by
destination then gathers only keys: three rows for each edge, where two independent passes would gather four.
`backward_destination_recompute` is independent, for graphs whose E·H scalars would take too much memory.

    w_ij = p_ij m_ij,   dp_ij = m_ij (⟨do_i, v_j + u_ij⟩ + dw_ij)
    δ_i = Σ_j p_ij dp_ij = ⟨do_i, out_i⟩ + Σ_j w_ij dw_ij
    ds_ij = p_ij (dp_ij − δ_i + dlse_i) for a softmax, f'(s_ij) dp_ij for weights f(s_ij)
"""

import numpy as np

from graphattn.ops.numba.edges import (
    AHEAD,
    ONE,
    U,
    edge_at,
    fill,
    finish,
    next_rows,
    node_of,
    place_of,
    prefetch_key,
    prefetch_value,
    weights_and_slopes,
)
from graphattn.ops.numba.elementwise import add, copy, copy_lse, multiply, set_to, subtract
from graphattn.ops.numba.heads import add_dots, add_to_keys
from graphattn.ops.numba.helper import inlined, shared
from graphattn.ops.numba.jit import kernel
from graphattn.ops.numba.kernel_arguments import SOFTMAX
from graphattn.ops.numba.random import keeps
from graphattn.ops.numba.scores import (
    TILE,
    add_to_destination,
    add_to_source,
    end_tile,
    room_of_tile,
    room_of_vector,
    scores_of_edge,
    slopes_of_inputs,
    start_tile,
)
from graphattn.ops.numba.vector import at, keep, numbers_of, prefetch, shifted

_TERMS, _REST, _DELTA, _DLSE = U(4), U(1), U(2), U(3)  # of a row, H numbers each: how many, and where which lie


@kernel
def row_terms(tasks, edges, p, r, g):
    """For a softmax, what the gradient of a score takes from its row, in one place: lse_i, rest_i, δ_i and dlse_i."""
    H, Dv, one = U(p.heads), U(p.value_width), type(p.number)(1)
    starts, stops = at(edges.starts, edges.index), at(edges.stops, edges.index)
    lse, rest, terms = at(r.lse, p.number), at(r.rest, p.number), at(g.row_terms, p.number)
    task, row, last = next_rows(tasks)
    while task < tasks.count:
        for i in range(row, last):
            first = i * _TERMS * H
            delta = first + _DELTA * H
            copy_lse(terms, first, lse, i * H, H)
            copy(terms, first + _REST * H, rest, i * H, H)
            set_to(terms, delta, p.number, H)
            if g.grad_lse != 0:
                copy(terms, first + _DLSE * H, at(g.grad_lse, p.number), i * H, H)
            add_dots(one, at(g.grad_out, p.number), i, at(r.out, p.number), i, Dv, ONE, H, terms, delta)
            if g.grad_weights != 0:
                for place in range(U(starts[i]), U(stops[i])):
                    edge = edge_at(edges, place) * H
                    for h in range(H):
                        terms[delta + h] += at(r.weights, p.number)[edge + h] * at(g.grad_weights, p.number)[edge + h]
        finish(tasks)
        task, row, last = next_rows(tasks)


@inlined
def _prefetch_destination(p, r, g, edges, x, end):
    """Ask for what the pass by source will need of a destination some places ahead."""
    if x + AHEAD >= end:
        return
    H = U(p.heads)
    i = U(at(edges.others, edges.index)[x + AHEAD])
    if p.q != 0:
        prefetch(at(p.q, p.queries), i * H * U(p.width), H * U(p.width))
    prefetch(at(g.grad_out, p.number), i * H * U(p.value_width), H * U(p.value_width))
    if p.normalize == SOFTMAX:
        prefetch(at(g.row_terms, p.number), i * H * _TERMS, H * _TERMS)
    if g.score != 0:
        prefetch(at(g.score, p.number), place_of(edges, x + AHEAD) * H, H)
    if g.weight != 0:
        prefetch(at(g.weight, p.number), place_of(edges, x + AHEAD) * H, H)


@inlined
def _edge_terms(
    p, r, g, i, j, place, edge, t,
    hidden, scores, slopes, kept, y,
):  # fmt: skip
    """Of an edge, for each head: score (of a softmax, its exponent), slope of its weight, and dropout factor."""
    H, Dv, one = U(p.heads), U(p.value_width), type(p.number)(1)
    grads = at(g.grad_out, p.number)
    scores_of_edge(p, i, j, edge, t, hidden, scores, y)
    if g.grad_weights != 0:
        copy(slopes, y, at(g.grad_weights, p.number), edge * H, H)
    else:
        set_to(slopes, y, p.number, H)
    add_dots(one, grads, i, at(p.v, p.values), j, Dv, U(p.group), U(p.key_heads), slopes, y)
    if p.edge_value != 0:
        add_dots(one, grads, i, at(p.edge_value, p.values), edge, Dv, ONE, H, slopes, y)
    if p.outer_key != 0:
        add(scores, y, at(g.score, p.number), place * H, H)
    if p.outer_value != 0:
        add(slopes, y, at(g.weight, p.number), place * H, H)
    if p.keep_scale != one:
        for h in range(H):
            kept[y + h] = p.keep_scale if keeps(p.seed, place * H + h, p.threshold) else p.number
        multiply(slopes, y, kept, y, H)
    if p.normalize == SOFTMAX:
        terms, row = at(g.row_terms, p.number), i * _TERMS * H
        subtract(scores, y, terms, row, H)
        subtract(scores, y, terms, row + _REST * H, H)
        subtract(slopes, y, terms, row + _DELTA * H, H)
        if g.grad_lse != 0:  # last, for the difference before it is often exactly zero
            add(slopes, y, terms, row + _DLSE * H, H)


@inlined
def _tile_room(p):
    """How many numbers a tile needs: for each edge and head three, and `hidden`."""
    return U(3) * TILE * U(p.heads) + room_of_tile(p)


@inlined
def _parts_of_tile(p, scratch):
    """Where in it the weights, slopes and dropout factors of a tile lie, and `hidden`."""
    size = TILE * U(p.heads)
    return scratch, shifted(scratch, size), shifted(scratch, U(2) * size), shifted(scratch, U(3) * size)


@shared
def _tile_terms(
    first, following, end, row, edges, p, r, g,
    rows, hidden, weights, slopes, kept,
):  # fmt: skip
    """The weights of edges [first, following), the gradients of their scores, and the row of each; the last row."""
    H = U(p.heads)
    stops, others = at(edges.stops, edges.index), at(edges.others, edges.index)
    start_tile(p, edges, first, following, hidden)
    for x in range(first, following):
        while x >= U(stops[row]):
            row += ONE
        rows[x - first] = row
        place, node, other, y = place_of(edges, x), node_of(edges, row), U(others[x]), (x - first) * H
        if edges.by_source:
            _prefetch_destination(p, r, g, edges, x, end)
            i, j = other, node
        else:
            prefetch_key(p, others, x, end)
            prefetch_value(p, others, x, end)
            i, j = node, other
        _edge_terms(p, r, g, i, j, place, edge_at(edges, place), x - first, hidden, weights, slopes, kept, y)
    weights_and_slopes(p, weights, slopes, kept, (following - first) * H)
    return row


@kernel
def backward_source(tasks, edges, p, r, g):
    """Gradients of keys, values, edge tensors and scores, over the edges by source.

    dv_j = Σ_i w_ij do_i, and for a dot score dk_j = scale Σ_i ds_ij q_i.
    """
    H, Hk, D, Dv, A = U(p.heads), U(p.key_heads), U(p.width), U(p.value_width), U(p.attr_width)
    one = type(p.number)(1)
    starts, stops, others = at(edges.starts, edges.index), at(edges.stops, edges.index), at(edges.others, edges.index)
    grads = at(g.grad_out, p.number)
    scratch, tile_rows = np.empty(_tile_room(p), type(p.number)), np.empty(TILE, np.uint64)
    weights, slopes, kept, hidden = _parts_of_tile(p, numbers_of(scratch))
    rows = numbers_of(tile_rows)
    task, row, last = next_rows(tasks)
    while task < tasks.count:
        if g.k != 0:
            fill(at(g.k, p.number), row * Hk * D, last * Hk * D, 0)
        if g.v != 0:
            fill(at(g.v, p.number), row * Hk * Dv, last * Hk * Dv, 0)
        number = U(tasks.first) + task
        if g.vector != 0:
            fill(at(g.vector, p.number), number * room_of_vector(p), (number + ONE) * room_of_vector(p), 0)
        if g.key_proj != 0:
            fill(at(g.key_proj, p.number), number * A * H * D, (number + ONE) * A * H * D, 0)
        end = U(stops[last - ONE]) if row < last else U(starts[row])
        for first in range(U(starts[row]), end, TILE):
            following = min(first + TILE, end)
            row = _tile_terms(first, following, end, row, edges, p, r, g, rows, hidden, weights, slopes, kept)
            for x in range(first, following):
                i, j, t = U(others[x]), node_of(edges, rows[x - first]), x - first
                y, place = t * H, place_of(edges, x)
                edge = edge_at(edges, place)
                slopes_of_inputs(p, i, j, edge, t, hidden, slopes, y)
                if g.score != 0:
                    copy(at(g.score, p.number), place * H, slopes, y, H)
                if g.weight != 0:
                    copy(at(g.weight, p.number), place * H, weights, y, H)
                if g.edge_attr != 0:
                    fill(at(g.edge_attr, p.number), edge * A, (edge + ONE) * A, 0)
                if g.edge_key != 0:
                    fill(at(g.edge_key, p.number), edge * H * D, (edge + ONE) * H * D, 0)
                if g.edge_value != 0:
                    values = at(g.edge_value, p.number)
                    fill(values, edge * H * Dv, (edge + ONE) * H * Dv, 0)
                    add_to_keys(one, weights, y, grads, i, values, edge, Dv, ONE, H)
                if g.v != 0:
                    values = at(g.v, p.number)
                    add_to_keys(one, weights, y, grads, i, values, rows[x - first], Dv, U(p.group), U(p.key_heads))
                add_to_source(p, g, number, rows[x - first], i, j, edge, t, hidden, slopes, y)
            end_tile(p, g, number, edges, first, following, hidden)
        finish(tasks)
        task, row, last = next_rows(tasks)
    keep(scratch)
    keep(tile_rows)


@inlined
def _start_queries(row, last, p, g):
    """Set the gradients of the queries to zero."""
    size = U(p.heads) * U(p.width)
    if g.q != 0:
        fill(at(g.q, p.number), row * size, last * size, 0)


@kernel
def backward_destination(tasks, edges, p, r, g):
    """Gradients of queries from the score gradients that the pass by source has left: dq_i = scale Σ_j ds_ij k_j."""
    H = U(p.heads)
    starts, stops, others = at(edges.starts, edges.index), at(edges.stops, edges.index), at(edges.others, edges.index)
    scratch = np.empty(room_of_tile(p), type(p.number))
    hidden, score = numbers_of(scratch), at(g.score, p.number)
    task, row, last = next_rows(tasks)
    while task < tasks.count:
        _start_queries(row, last, p, g)
        first, end = U(starts[row]), U(stops[last - ONE]) if row < last else U(starts[row])
        for i in range(row, last):
            for x in range(U(starts[i]), U(stops[i])):
                prefetch_key(p, others, x, end)
                j, edge, t = U(others[x]), edge_at(edges, x), (x - first) % TILE
                if t == 0:
                    start_tile(p, edges, x, min(x + TILE, end), hidden)
                add_to_destination(p, g, i, node_of(edges, i), j, edge, t, hidden, score, x * H)
        finish(tasks)
        task, row, last = next_rows(tasks)
    keep(scratch)


@kernel
def backward_destination_recompute(tasks, edges, p, r, g):
    """Gradients of queries, with scores and weights computed anew: nothing is kept for an edge."""
    H = U(p.heads)
    starts, stops, others = at(edges.starts, edges.index), at(edges.stops, edges.index), at(edges.others, edges.index)
    scratch, tile_rows = np.empty(_tile_room(p), type(p.number)), np.empty(TILE, np.uint64)
    weights, slopes, kept, hidden = _parts_of_tile(p, numbers_of(scratch))
    rows = numbers_of(tile_rows)
    task, row, last = next_rows(tasks)
    while task < tasks.count:
        _start_queries(row, last, p, g)
        end = U(stops[last - ONE]) if row < last else U(starts[row])
        for first in range(U(starts[row]), end, TILE):
            following = min(first + TILE, end)
            row = _tile_terms(first, following, end, row, edges, p, r, g, rows, hidden, weights, slopes, kept)
            for x in range(first, following):
                i, j, t, edge = rows[x - first], U(others[x]), x - first, edge_at(edges, x)
                slopes_of_inputs(p, node_of(edges, i), j, edge, t, hidden, slopes, t * H)
                add_to_destination(p, g, i, node_of(edges, i), j, edge, t, hidden, slopes, t * H)
        finish(tasks)
        task, row, last = next_rows(tasks)
    keep(scratch)
    keep(tile_rows)
