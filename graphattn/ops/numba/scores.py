"""Scores of one edge for all heads, and what a gradient of the scores adds to queries, keys and edge tensors.

One function of each kind for each of the scores in `graphattn.ops.numba.kernel_arguments`; Numba chooses by type, so a
kernel holds the code of one score. i is a destination, j a source, `edge` an edge of the caller's; y is where the H
numbers of the edge begin in `scores` or `slopes`; `row` is where a gradient is added up, which is not i or j in a row
cut into pieces.

Edges are taken tile by tile: `start_tile`, then each edge as the t-th of its tile, then, where gradients by source are
added up, `end_tile`. `hidden` is scratch memory of a score; `room_of_tile` says how much it needs.
"""

from collections.abc import Callable
from typing import Any

from numba.extending import overload

from graphattn.ops.numba.edges import ONE, U, edge_at, fill, place_of
from graphattn.ops.numba.elementwise import add, copy, leaky_relu, multiply_leaky_slope, set_to
from graphattn.ops.numba.exponential import tanh
from graphattn.ops.numba.heads import (
    add_dots,
    add_leaky_dots,
    add_leaky_to_keys,
    add_leaky_to_queries,
    add_to_keys,
    add_to_queries,
    plus,
)
from graphattn.ops.numba.helper import HELPER, inlined
from graphattn.ops.numba.kernel_arguments import BIAS_ALONE, DOT, LEAKY, LEAKY_EDGES, SUM, TANH
from graphattn.ops.numba.product import add_product
from graphattn.ops.numba.vector import at, shifted

TILE = U(32)  # edges whose rows stay in the cache between one look at them and the next


def room_of_tile(p):
    """How many numbers a tile of edges needs in `hidden`."""


def room_of_vector(p):
    """How many numbers the additive vector has."""


def start_tile(p, edges, first, last, hidden):
    """Compute what the edges at places [first, last) of an order have in common."""


def end_tile(p, g, task, edges, first, last, hidden):
    """Add the gradients of what `start_tile` computed, after `add_to_source` of each edge."""


def scores_of_edge(p, i, j, edge, t, hidden, scores, y):
    """Write the H scores of the edge j → i."""


def slopes_of_inputs(p, i, j, edge, t, hidden, slopes, y):
    """Turn gradients of the H scores into those of the H biases, which differ where the bias is inside a leaky ReLU."""


def add_to_source(p, g, task, row, i, j, edge, t, hidden, slopes, y):
    """Add to the gradients of key j, of the edge and of the additive vector, given those of the biases."""


def add_to_destination(p, g, row, i, j, edge, t, hidden, slopes, y):
    """Add to the gradient of query i, given those of the biases."""


def for_score(function: Callable[..., None], *scores: str) -> Callable[..., Any]:
    """Use the decorated code for `function` if the inputs have one of these scores."""

    def register(code: Callable[..., None]) -> Callable[..., None]:
        def choose(p, *others):
            return code if p.choices["score"] in scores else None

        overload(function, strict=False, jit_options={**HELPER, "forceinline": True})(choose)
        return code

    return register


@inlined
def _start_with_bias(p, edge, scores, y):
    """Set the scores of an edge to its biases, or to zero."""
    H = U(p.heads)
    if p.bias != 0:
        copy(scores, y, at(p.bias, p.number), edge * H, H)
    else:
        set_to(scores, y, p.number, H)


# where nothing but the bias of a sum is written down


@for_score(room_of_tile, DOT, SUM, LEAKY, BIAS_ALONE)
def _small_room(p):
    return U(p.heads)


@for_score(room_of_vector, DOT, SUM, LEAKY, LEAKY_EDGES, TANH, BIAS_ALONE)
def _one_for_each(p):
    return U(p.heads) * U(p.width)


@for_score(start_tile, DOT, SUM, LEAKY, BIAS_ALONE)
def _start_nothing(p, edges, first, last, hidden):
    pass


@for_score(end_tile, DOT, SUM, LEAKY, BIAS_ALONE)
def _end_nothing(p, g, task, edges, first, last, hidden):
    pass


# dot


@for_score(scores_of_edge, DOT)
def _dot_scores(p, i, j, edge, t, hidden, scores, y):
    H, D = U(p.heads), U(p.width)
    _start_with_bias(p, edge, scores, y)
    scale, q = p.scale, at(p.q, p.queries)
    add_dots(scale, q, i, at(p.k, p.keys), j, D, U(p.group), U(p.key_heads), scores, y)
    if p.edge_key != 0:
        add_dots(scale, q, i, at(p.edge_key, p.keys), edge, D, ONE, H, scores, y)


@for_score(slopes_of_inputs, DOT, LEAKY, LEAKY_EDGES, TANH, BIAS_ALONE)
def _same_slopes(p, i, j, edge, t, hidden, slopes, y):
    pass


@for_score(add_to_source, DOT)
def _dot_source(p, g, task, row, i, j, edge, t, hidden, slopes, y):
    H, D = U(p.heads), U(p.width)
    scale, q = p.scale, at(p.q, p.queries)
    if g.k != 0:
        add_to_keys(scale, slopes, y, q, i, at(g.k, p.number), row, D, U(p.group), U(p.key_heads))
    if g.edge_key != 0:
        add_to_keys(scale, slopes, y, q, i, at(g.edge_key, p.number), edge, D, ONE, H)


@for_score(add_to_destination, DOT)
def _dot_destination(p, g, row, i, j, edge, t, hidden, slopes, y):
    H, D = U(p.heads), U(p.width)
    scale = p.scale
    if g.q != 0:
        queries = at(g.q, p.number)
        add_to_queries(scale, slopes, y, queries, row, at(p.k, p.keys), j, D, U(p.group), U(p.key_heads))
        if p.edge_key != 0:
            add_to_queries(scale, slopes, y, queries, row, at(p.edge_key, p.keys), edge, D, ONE, H)


# sum


@inlined
def _sum_into(p, i, j, edge, hidden):
    """hidden = q_i + k_j + b, for all heads."""
    H, Hk = U(p.heads), U(p.key_heads)
    copy(hidden, U(0), at(p.q, p.number), i * H, H)
    if p.group == 1:
        add(hidden, U(0), at(p.k, p.number), j * H, H)
    else:
        for h in range(H):
            hidden[h] += at(p.k, p.number)[j * Hk + h // U(p.group)]
    if p.bias != 0:
        add(hidden, U(0), at(p.bias, p.number), edge * H, H)


@for_score(scores_of_edge, SUM)
def _sum_scores(p, i, j, edge, t, hidden, scores, y):
    _sum_into(p, i, j, edge, hidden)
    leaky_relu(scores, y, hidden, U(0), U(p.heads), p.scale, p.negative_slope)


@for_score(slopes_of_inputs, SUM)
def _sum_slopes(p, i, j, edge, t, hidden, slopes, y):
    _sum_into(p, i, j, edge, hidden)
    multiply_leaky_slope(slopes, y, hidden, U(0), U(p.heads), p.scale, p.negative_slope)


@for_score(add_to_source, SUM)
def _sum_source(p, g, task, row, i, j, edge, t, hidden, slopes, y):
    H, Hk = U(p.heads), U(p.key_heads)
    if g.k == 0:
        return
    keys = at(g.k, p.number)
    if p.group == 1:
        add(keys, row * H, slopes, y, H)
    else:
        for h in range(H):
            keys[row * Hk + h // U(p.group)] += slopes[y + h]


@for_score(add_to_destination, SUM)
def _sum_destination(p, g, row, i, j, edge, t, hidden, slopes, y):
    if g.q != 0:
        add(at(g.q, p.number), row * U(p.heads), slopes, y, U(p.heads))


# additive with leaky ReLU, as in GATv2


@for_score(scores_of_edge, LEAKY)
def _leaky_scores(p, i, j, edge, t, hidden, scores, y):
    _start_with_bias(p, edge, scores, y)
    add_leaky_dots(
        p.scale, p.negative_slope, at(p.vector, p.number), at(p.q, p.queries), i, at(p.k, p.keys), j,
        U(p.width), U(p.group), U(p.key_heads), scores, y,
    )  # fmt: skip


@for_score(add_to_source, LEAKY)
def _leaky_source(p, g, task, row, i, j, edge, t, hidden, slopes, y):
    if g.k != 0:
        add_leaky_to_keys(
            p.scale, p.negative_slope, slopes, y, at(p.vector, p.number), at(p.q, p.queries), i,
            at(p.k, p.keys), j, U(p.width), U(p.group), U(p.key_heads), at(g.k, p.number), row,
            at(g.vector, p.number), task,
        )  # fmt: skip


@for_score(add_to_destination, LEAKY)
def _leaky_destination(p, g, row, i, j, edge, t, hidden, slopes, y):
    if g.q != 0:
        add_leaky_to_queries(
            p.scale, p.negative_slope, slopes, y, at(p.vector, p.number), at(p.q, p.queries), i,
            at(p.k, p.keys), j, U(p.width), U(p.group), U(p.key_heads), at(g.q, p.number), row,
        )  # fmt: skip


# additive with terms of edges: W a is written down for a tile of edges, one row of H·D numbers for each


@inlined
def _row_of(p, t):
    return t * U(p.heads) * U(p.width)


@inlined
def _second(p, hidden):
    """The second tile of rows: q + e + W a of a leaky ReLU; the activations of a tanh."""
    return shifted(hidden, _row_of(p, TILE))


@inlined
def _features(p, hidden):
    """The edge features of a tile, or their gradients."""
    return shifted(hidden, _row_of(p, U(2) * TILE))


@for_score(room_of_tile, LEAKY_EDGES, TANH)
def _additive_room(p):
    return _row_of(p, U(2) * TILE) + TILE * U(p.attr_width)


@for_score(start_tile, LEAKY_EDGES, TANH)
def _start_additive(p, edges, first, last, hidden):
    """The rows of the tile are W a."""
    if p.key_proj == 0:
        return
    A, count, width = U(p.attr_width), last - first, U(p.heads) * U(p.width)
    features = _features(p, hidden)
    for x in range(first, last):
        copy(features, (x - first) * A, at(p.edge_attr, p.number), edge_at(edges, place_of(edges, x)) * A, A)
    fill(hidden, U(0), count * width, 0)
    add_product(features, A, ONE, at(p.key_proj, p.number), width, hidden, width, count, A, width)


@for_score(end_tile, LEAKY_EDGES, TANH)
def _end_additive(p, g, task, edges, first, last, hidden):
    """dW = Σ a ⊗ dz and da = Wᵀ dz, with dz, the gradients of W a, in its place."""
    if p.key_proj == 0:
        return
    A, count, width = U(p.attr_width), last - first, U(p.heads) * U(p.width)
    features = _features(p, hidden)
    if g.key_proj != 0:
        grads = shifted(at(g.key_proj, p.number), task * A * width)
        add_product(features, ONE, A, hidden, width, grads, width, A, count, width)
    if g.edge_attr != 0:
        fill(features, U(0), count * A, 0)
        add_product(hidden, width, ONE, at(p.key_proj_turned, p.number), A, features, A, count, width, A)
        for x in range(first, last):
            add(at(g.edge_attr, p.number), edge_at(edges, place_of(edges, x)) * A, features, (x - first) * A, A)


@inlined
def _edge_query(p, i, edge, t, hidden):
    """The second tile, whose t-th row is now q_i + e_ij + W a_ij."""
    H, D, q, queries = U(p.heads), U(p.width), at(p.q, p.queries), _second(p, hidden)
    if p.key_proj != 0:
        plus(q, i, hidden, t, queries, t, D, ONE, H)
        if p.edge_key != 0:
            plus(at(p.edge_key, p.keys), edge, queries, t, queries, t, D, ONE, H)
    else:
        plus(q, i, at(p.edge_key, p.keys), edge, queries, t, D, ONE, H)
    return queries


@for_score(scores_of_edge, LEAKY_EDGES)
def _leaky_edge_scores(p, i, j, edge, t, hidden, scores, y):
    queries = _edge_query(p, i, edge, t, hidden)
    _start_with_bias(p, edge, scores, y)
    add_leaky_dots(
        p.scale, p.negative_slope, at(p.vector, p.number), queries, t, at(p.k, p.keys), j,
        U(p.width), U(p.group), U(p.key_heads), scores, y,
    )  # fmt: skip


@for_score(add_to_source, LEAKY_EDGES)
def _leaky_edge_source(p, g, task, row, i, j, edge, t, hidden, slopes, y):
    D, group, Hk, q = U(p.width), U(p.group), U(p.key_heads), _second(p, hidden)
    scale, slope, vector, k = p.scale, p.negative_slope, at(p.vector, p.number), at(p.k, p.keys)
    if g.k != 0:
        keys, of_vector = at(g.k, p.number), at(g.vector, p.number)
        add_leaky_to_keys(scale, slope, slopes, y, vector, q, t, k, j, D, group, Hk, keys, row, of_vector, task)
    if g.edge_key != 0:
        grads = at(g.edge_key, p.number)
        add_leaky_to_queries(scale, slope, slopes, y, vector, q, t, k, j, D, group, Hk, grads, edge)
    if p.key_proj != 0:
        fill(hidden, _row_of(p, t), _row_of(p, t + ONE), 0)
        add_leaky_to_queries(scale, slope, slopes, y, vector, q, t, k, j, D, group, Hk, hidden, t)


@for_score(add_to_destination, LEAKY_EDGES)
def _leaky_edge_destination(p, g, row, i, j, edge, t, hidden, slopes, y):
    if g.q != 0:
        queries = _edge_query(p, i, edge, t, hidden)
        add_leaky_to_queries(
            p.scale, p.negative_slope, slopes, y, at(p.vector, p.number), queries, t,
            at(p.k, p.keys), j, U(p.width), U(p.group), U(p.key_heads), at(g.q, p.number), row,
        )  # fmt: skip


@inlined
def _tanh_into(p, i, j, edge, t, hidden):
    """The second tile, whose t-th row is now tanh(q_i + k_j + e_ij + W a_ij)."""
    H, D, q, k, values = U(p.heads), U(p.width), at(p.q, p.queries), at(p.k, p.keys), _second(p, hidden)
    if p.key_proj != 0:
        plus(hidden, t, k, j, values, t, D, U(p.group), U(p.key_heads))
        plus(q, i, values, t, values, t, D, ONE, H)
    else:
        plus(q, i, k, j, values, t, D, U(p.group), U(p.key_heads))
    if p.edge_key != 0:
        plus(at(p.edge_key, p.keys), edge, values, t, values, t, D, ONE, H)
    for x in range(_row_of(p, t), _row_of(p, t + ONE)):
        values[x] = tanh(values[x])
    return values


@inlined
def _tanh_to_changes(p, t, values):
    """The t-th row of activations to vector · tanh'."""
    row, vector = shifted(values, _row_of(p, t)), at(p.vector, p.number)
    for x in range(U(p.heads) * U(p.width)):
        row[x] = vector[x] * (type(p.number)(1) - row[x] * row[x])


@for_score(scores_of_edge, TANH)
def _tanh_scores(p, i, j, edge, t, hidden, scores, y):
    H, D = U(p.heads), U(p.width)
    values = _tanh_into(p, i, j, edge, t, hidden)
    _start_with_bias(p, edge, scores, y)
    add_dots(p.scale, at(p.vector, p.number), U(0), values, t, D, ONE, H, scores, y)


@for_score(add_to_source, TANH)
def _tanh_source(p, g, task, row, i, j, edge, t, hidden, slopes, y):
    H, D, scale, values = U(p.heads), U(p.width), p.scale, _second(p, hidden)
    if g.vector != 0:
        add_to_keys(scale, slopes, y, values, t, at(g.vector, p.number), task, D, ONE, H)
    _tanh_to_changes(p, t, values)
    if g.k != 0:
        add_to_keys(scale, slopes, y, values, t, at(g.k, p.number), row, D, U(p.group), U(p.key_heads))
    if g.edge_key != 0:
        add_to_keys(scale, slopes, y, values, t, at(g.edge_key, p.number), edge, D, ONE, H)
    if p.key_proj != 0:
        fill(hidden, _row_of(p, t), _row_of(p, t + ONE), 0)
        add_to_keys(scale, slopes, y, values, t, hidden, t, D, ONE, H)


@for_score(add_to_destination, TANH)
def _tanh_destination(p, g, row, i, j, edge, t, hidden, slopes, y):
    if g.q != 0:
        values = _tanh_into(p, i, j, edge, t, hidden)
        _tanh_to_changes(p, t, values)
        add_to_queries(p.scale, slopes, y, at(g.q, p.number), row, values, t, U(p.width), ONE, U(p.heads))


# bias alone


@for_score(scores_of_edge, BIAS_ALONE)
def _bias_scores(p, i, j, edge, t, hidden, scores, y):
    _start_with_bias(p, edge, scores, y)


@for_score(add_to_source, BIAS_ALONE)
def _bias_source(p, g, task, row, i, j, edge, t, hidden, slopes, y):
    pass


@for_score(add_to_destination, BIAS_ALONE)
def _bias_destination(p, g, row, i, j, edge, t, hidden, slopes, y):
    pass
