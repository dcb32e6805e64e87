"""The forward pass: scores, weights and weighted sums of a block of destinations at a time.

Scores never leave the block, whose scratch stays in the cache; exponentials run over the whole block, whatever the
degrees of its rows. A row is written by one task in a fixed order, so the bits do not depend on the number of threads.
Unsigned numbers index, because Numba checks signed ones for wrap-around.
"""

import numpy as np

from graphattn.ops.numba.edge_features import (
    add_dots_of_features,
    add_features,
    prefetch_features,
    queries_of_features,
    room_of_features,
)
from graphattn.ops.numba.edges import (
    ONE,
    U,
    edge_at,
    exp_all,
    fill,
    finish,
    next_rows,
    node_of,
    prefetch_key,
    prefetch_value,
    rest_of,
    weigh_all,
)
from graphattn.ops.numba.elementwise import add, copy, keep_larger, multiply, subtract
from graphattn.ops.numba.exponential import log
from graphattn.ops.numba.heads import add_to_queries
from graphattn.ops.numba.helper import shared
from graphattn.ops.numba.jit import kernel
from graphattn.ops.numba.kernel_arguments import SOFTMAX
from graphattn.ops.numba.product import add_by_head
from graphattn.ops.numba.random import keeps
from graphattn.ops.numba.scores import TILE, room_of_tile, scores_of_edge, start_tile
from graphattn.ops.numba.vector import at, keep, numbers_of, shifted

_BLOCK = U(256)  # edges and rows of a block; a longer row is a block of its own


@kernel
def forward(tasks, edges, p, r):
    """out_i = Σ_j w_ij m_ij (v_j + u_ij), w the normalized scores, m the dropout mask over 1 − p; lse_i and rest_i."""
    H, starts, stops = U(p.heads), at(edges.starts, edges.index), at(edges.stops, edges.index)
    task, row, last = next_rows(tasks)
    while task < tasks.count:
        end = U(stops[last - ONE]) if row < last else U(starts[row])
        room = H * _BLOCK, room_of_tile(p), room_of_features(p), H * (end - U(starts[row]))
        scratch = np.empty(U(2) * room[0] + room[1] + room[2] + room[3], type(p.number))
        factors = numbers_of(scratch)
        totals = shifted(factors, room[0])
        hidden = shifted(totals, room[0])
        features = shifted(hidden, room[1])
        scores = shifted(features, room[2])
        while row < last:
            following = row + ONE
            while following < last and following - row < _BLOCK and U(stops[following]) - U(starts[row]) <= _BLOCK:
                following += ONE
            _score_block(row, following, end, edges, p, scores, factors, hidden, features)
            if p.normalize == SOFTMAX:
                _softmax_block(row, following, edges, p, r, scores, factors, totals)
            else:
                weigh_all(p, scores, H * (U(stops[following - ONE]) - U(starts[row])))
                fill(factors, U(0), H * (following - row), p.keep_scale)
            _sum_block(row, following, end, edges, p, r, scores, factors, features)
            row = following
        keep(scratch)
        finish(tasks)
        task, row, last = next_rows(tasks)


@shared
def _score_block(row, following, end, edges, p, scores, tops, hidden, features):
    """The scores of all edges of rows [row, following), edge after edge, and of each row the largest."""
    H = U(p.heads)
    starts, stops, others = at(edges.starts, edges.index), at(edges.stops, edges.index), at(edges.others, edges.index)
    first, last = U(starts[row]), U(stops[following - ONE])
    fill(tops, U(0), H * (following - row), -np.inf)
    for r in range(row, following):
        i, top = node_of(edges, r), H * (r - row)
        if p.outer_key != 0 and (r - row) % TILE == 0:
            queries_of_features(p, i, min(TILE, following - r), features)
        for x in range(U(starts[r]), U(stops[r])):
            prefetch_key(p, others, x, end)
            y, t = (x - first) * H, (x - first) % TILE
            if t == 0:
                start_tile(p, edges, x, min(x + TILE, last), hidden)
            scores_of_edge(p, i, U(others[x]), edge_at(edges, x), t, hidden, scores, y)
            if p.outer_key != 0:
                prefetch_features(p, edges, x, end)
                add_dots_of_features(p, (r - row) % TILE, features, edge_at(edges, x), scores, y)
            keep_larger(tops, top, scores, y, H)


@shared
def _softmax_block(
    row, following, edges, p, r, scores, factors, totals
):  # fmt: skip
    """Scores to exponentials of their distance to the row's largest; `factors`, the largest, to 1 / sum of them."""
    H = U(p.heads)
    starts, stops = at(edges.starts, edges.index), at(edges.stops, edges.index)
    first, last, size = U(starts[row]), U(stops[following - ONE]), H * (following - row)
    for y in range(size):  # no edge, or all hidden: any finite number will do
        factors[y] = p.number if factors[y] == -np.inf else factors[y]
    for i in range(row, following):
        for x in range(U(starts[i]), U(stops[i])):
            subtract(scores, (x - first) * H, factors, H * (i - row), H)
    exp_all(scores, (last - first) * H)
    fill(totals, U(0), size, p.number)
    for i in range(row, following):
        for x in range(U(starts[i]), U(stops[i])):
            add(totals, H * (i - row), scores, (x - first) * H, H)
    _close_rows(p, size, factors, totals, shifted(at(r.lse, p.number), row * H), shifted(at(r.rest, p.number), row * H))


@shared
def _close_rows(p, size, factors, totals, lse, rest):
    """The log-sum-exp of each row, and its factor."""
    zero = p.number
    for y in range(size):
        largest, total = factors[y], totals[y]
        log_total = log(total)
        found = largest + log_total
        left = rest_of(largest, log_total, found)
        empty = total == zero  # no edge, or all hidden
        lse[y] = found  # −∞ if empty, for log 0 is
        rest[y] = zero if empty else left
        factors[y] = zero if empty else p.keep_scale / total


@shared
def _sum_block(row, following, end, edges, p, r, scores, factors, features):
    """The weighted sums of rows [row, following), where each weight is a score times its row's factor."""
    H, Dv, one = U(p.heads), U(p.value_width), type(p.number)(1)
    starts, stops, others = at(edges.starts, edges.index), at(edges.stops, edges.index), at(edges.others, edges.index)
    v, out, weights = at(p.v, p.values), at(r.out, p.number), at(r.weights, p.number)
    first = U(starts[row])
    fill(out, row * H * Dv, following * H * Dv, 0)
    for i in range(row, following):
        t = (i - row) % TILE
        if p.outer_value != 0 and t == 0:
            fill(features, U(0), room_of_features(p), 0)
        for x in range(U(starts[i]), U(stops[i])):
            prefetch_value(p, others, x, end)
            j, edge = U(others[x]), edge_at(edges, x)
            y = (x - first) * H
            multiply(scores, y, factors, H * (i - row), H)
            if p.threshold > 0:
                for h in range(H):
                    if not keeps(p.seed, x * H + h, p.threshold):
                        scores[y + h] = p.number
            if r.weights != 0:
                copy(weights, edge * H, scores, y, H)
            add_to_queries(one, scores, y, out, i, v, j, Dv, U(p.group), U(p.key_heads))
            if p.edge_value != 0:
                add_to_queries(one, scores, y, out, i, at(p.edge_value, p.values), edge, Dv, ONE, H)
            if p.outer_value != 0:
                prefetch_features(p, edges, x, end)
                add_features(p, scores, y, features, t, edge)
        if p.outer_value != 0 and (t + ONE == TILE or i + ONE == following):
            add_by_head(features, U(0), at(p.outer_value, p.number), out, i - t, t + ONE, H, U(p.attr_width), Dv)
