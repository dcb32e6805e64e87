"""Edge features that add W a to the keys of a dot score and U a to values, of which neither is formed.

    ⟨q_i, W a_ij⟩ = ⟨Wᵀ q_i, a_ij⟩,    Σ_j w_ij U a_ij = U Σ_j w_ij a_ij

Wᵀ q_i and Σ_j w_ij a_ij, H·A numbers each, are found for a tile of destinations at a time and lie in the cache.

The backward pass begins with ⟨Wᵀ q_i, a_ij⟩ and ⟨Uᵀ do_i, a_ij⟩, which the pass by source adds to a score and to the
gradient of its weight. It puts in their places the gradient of the score and the weight, from which

    dq_i += W Σ_j ds_ij a_ij,   dW = Σ_i q_i ⊗ Σ_j ds_ij a_ij,   dU = Σ_i do_i ⊗ Σ_j w_ij a_ij,
    da_ij += Wᵀ q_i ds_ij + Uᵀ do_i w_ij.
"""

import numpy as np

from graphattn.ops.numba.edges import AHEAD, ONE, U, edge_at, fill, finish, next_rows, node_of
from graphattn.ops.numba.heads import add_dots, add_to_keys, add_to_queries
from graphattn.ops.numba.helper import inlined, shared
from graphattn.ops.numba.jit import kernel
from graphattn.ops.numba.product import add_by_head, add_outer_by_head
from graphattn.ops.numba.scores import TILE
from graphattn.ops.numba.vector import at, keep, numbers_of, prefetch, shifted


@inlined
def room_of_features(p):
    """How many numbers a tile of destinations needs, A for each head."""
    return TILE * U(p.heads) * U(p.attr_width)


@shared
def queries_of_features(p, i, count, made):
    """Wᵀ q of destinations i, …, i + count − 1."""
    fill(made, U(0), room_of_features(p), 0)
    sizes = U(p.heads), U(p.width), U(p.attr_width)
    add_by_head(at(p.q, p.number), i, at(p.outer_key_turned, p.number), made, U(0), count, *sizes)


@shared
def _grads_of_features(p, g, i, count, made):
    """Uᵀ do of the same."""
    fill(made, U(0), room_of_features(p), 0)
    sizes = U(p.heads), U(p.value_width), U(p.attr_width)
    add_by_head(at(g.grad_out, p.number), i, at(p.outer_value_turned, p.number), made, U(0), count, *sizes)


@inlined
def prefetch_features(p, edges, x, end):
    """Ask for the features of an edge some places ahead."""
    if x + AHEAD < end:
        prefetch(at(p.edge_attr, p.number), edge_at(edges, x + AHEAD) * U(p.attr_width), U(p.attr_width))


@inlined
def add_dots_of_features(p, t, rows, edge, sums, y):
    """sums[y + h] += ⟨rows_th, a⟩ for the features a of an edge."""
    features, one = at(p.edge_attr, p.number), type(p.number)(1)
    add_dots(one, rows, t, features, edge, U(p.attr_width), U(p.heads), ONE, sums, y)


@inlined
def add_features(p, weights, y, rows, t, edge):
    """rows_th += weights[y + h] · a."""
    features, one = at(p.edge_attr, p.number), type(p.number)(1)
    add_to_queries(one, weights, y, rows, t, features, edge, U(p.attr_width), U(p.heads), ONE)


@inlined
def _add_to_features(p, g, weights, y, rows, t, edge):
    """da += Σ_h weights[y + h] · rows_th."""
    grads, one = at(g.edge_attr, p.number), type(p.number)(1)
    add_to_keys(one, weights, y, rows, t, grads, edge, U(p.attr_width), U(p.heads), ONE)


@kernel
def feature_terms(tasks, edges, p, r, g):
    """What edge features add to each score, and to the gradient of its weight."""
    H, size = U(p.heads), room_of_features(p)
    starts, stops = at(edges.starts, edges.index), at(edges.stops, edges.index)
    score, weight = at(g.score, p.number), at(g.weight, p.number)
    scratch = np.empty(U(2) * size, type(p.number))
    queries = numbers_of(scratch)
    grads = shifted(queries, size)
    task, row, last = next_rows(tasks)
    while task < tasks.count:
        end = U(stops[last - ONE]) if row < last else U(0)
        for first in range(row, last, TILE):
            following, node = min(first + TILE, last), node_of(edges, first)
            if p.outer_key != 0:
                queries_of_features(p, node, following - first, queries)
            if p.outer_value != 0:
                _grads_of_features(p, g, node, following - first, grads)
            for i in range(first, following):
                for x in range(U(starts[i]), U(stops[i])):
                    prefetch_features(p, edges, x, end)
                    edge, y = edge_at(edges, x), x * H
                    if p.outer_key != 0:
                        fill(score, y, y + H, 0)
                        add_dots_of_features(p, i - first, queries, edge, score, y)
                    if p.outer_value != 0:
                        fill(weight, y, y + H, 0)
                        add_dots_of_features(p, i - first, grads, edge, weight, y)
        finish(tasks)
        task, row, last = next_rows(tasks)
    keep(scratch)


@kernel
def backward_features(tasks, edges, p, r, g):
    """Gradients of W, U and edge features, and what W adds to those of queries."""
    H, D, Dv, A, size = U(p.heads), U(p.width), U(p.value_width), U(p.attr_width), room_of_features(p)
    starts, stops = at(edges.starts, edges.index), at(edges.stops, edges.index)
    score, weight = at(g.score, p.number), at(g.weight, p.number)
    scratch = np.empty(U(4) * size, type(p.number))
    queries = numbers_of(scratch)
    grads, key_sums, value_sums = shifted(queries, size), shifted(queries, U(2) * size), shifted(queries, U(3) * size)
    task, row, last = next_rows(tasks)
    while task < tasks.count:
        number, end = U(tasks.first) + task, U(stops[last - ONE]) if row < last else U(0)
        of_keys = shifted(at(g.outer_key, p.number), number * H * A * D)
        of_values = shifted(at(g.outer_value, p.number), number * H * A * Dv)
        if g.outer_key != 0:
            fill(of_keys, U(0), H * A * D, 0)
        if g.outer_value != 0:
            fill(of_values, U(0), H * A * Dv, 0)
        for first in range(row, last, TILE):
            following, node = min(first + TILE, last), node_of(edges, first)
            count = following - first
            if g.edge_attr != 0 and p.outer_key != 0:
                queries_of_features(p, node, count, queries)
            if g.edge_attr != 0 and p.outer_value != 0:
                _grads_of_features(p, g, node, count, grads)
            fill(key_sums, U(0), U(2) * size, 0)
            for i in range(first, following):
                for x in range(U(starts[i]), U(stops[i])):
                    prefetch_features(p, edges, x, end)
                    edge, y, t = edge_at(edges, x), x * H, i - first
                    if p.outer_key != 0:
                        add_features(p, score, y, key_sums, t, edge)
                        if g.edge_attr != 0:
                            _add_to_features(p, g, score, y, queries, t, edge)
                    if p.outer_value != 0:
                        add_features(p, weight, y, value_sums, t, edge)
                        if g.edge_attr != 0:
                            _add_to_features(p, g, weight, y, grads, t, edge)
            if p.outer_key != 0 and g.q != 0:
                add_by_head(key_sums, U(0), at(p.outer_key, p.number), at(g.q, p.number), first, count, H, A, D)
            if g.outer_key != 0:
                add_outer_by_head(key_sums, U(0), at(p.q, p.number), node, of_keys, count, H, A, D)
            if g.outer_value != 0:
                add_outer_by_head(value_sums, U(0), at(g.grad_out, p.number), node, of_values, count, H, A, Dv)
        finish(tasks)
        task, row, last = next_rows(tasks)
    keep(scratch)
