"""Scores of one edge for all heads, and what a gradient of the scores adds to queries, keys and edge tensors.

One function of each kind for each class of score in `graphattn.ops.numba.problem`; Numba chooses by type, so a kernel
holds the code of one score. i is a destination, j a source, `edge` an edge of the caller's; y is where the H numbers
of the edge begin in `scores` or `slopes`; `row` is where a gradient is added up, which is not i or j in a row cut into
pieces. `hidden` is room for 2·H·D numbers.
"""

from collections.abc import Callable
from typing import Any

from numba import types
from numba.extending import overload

from graphattn.ops.numba.edges import U, key_head, sum_of
from graphattn.ops.numba.exponential import tanh
from graphattn.ops.numba.heads import dots, into_keys, into_queries
from graphattn.ops.numba.jit import as_written
from graphattn.ops.numba.problem import AdditiveLeaky, AdditiveTanh, BiasAlone, Dot, Sum
from graphattn.ops.numba.vector import add_dots, add_scaled, at, plus


def scores_of_edge(p: Any, i: Any, j: Any, edge: Any, hidden: Any, scores: Any, y: Any) -> None:
    """Write the H scores of the edge j → i."""


def slopes_of_inputs(p: Any, i: Any, j: Any, edge: Any, slopes: Any, y: Any) -> None:
    """Turn gradients of the H scores into those of the H biases, which differ where the bias is inside a leaky ReLU."""


def add_to_source(p: Any, g: Any, task: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:  # noqa: E501  # fmt: skip
    """Add to the gradients of key j, of the edge and of the additive vector, given those of the biases."""


def add_to_destination(p: Any, g: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:
    """Add to the gradient of query i, given those of the biases."""


def _for_score(function: Callable[..., None], *classes: type) -> Callable[..., Any]:
    """Use the decorated code for `function` where the problem has a score of one of these classes."""

    def register(code: Callable[..., None]) -> Callable[..., None]:
        def choose(p: Any, *others: Any) -> Any:
            score = p.types[p.fields.index("score")]
            return code if score.instance_class in classes else None

        overload(function, strict=False, jit_options={"error_model": "numpy", "forceinline": True})(choose)
        return code

    return register


@as_written
def _biased(p: Any, score: Any, edge: Any, h: Any) -> Any:
    if p.bias != 0:
        return sum_of(score, at(p.bias, p.number)[edge * U(p.heads) + h])
    return score


@as_written
def _start_with_bias(p: Any, edge: Any, scores: Any, y: Any) -> None:
    """Set the scores of an edge to its biases, or to zero."""
    H = U(p.heads)
    if p.bias != 0:
        biases = at(p.bias, p.number)
        for h in range(H):
            scores[y + h] = biases[edge * H + h]
    else:
        for h in range(H):
            scores[y + h] = p.number


# dot


@_for_score(scores_of_edge, Dot)
def _dot_scores(p: Any, i: Any, j: Any, edge: Any, hidden: Any, scores: Any, y: Any) -> None:
    H, D, A = U(p.heads), U(p.width), U(p.attr_width)
    _start_with_bias(p, edge, scores, y)
    dots(p, p.score.scale, at(p.q, p.keys), i, at(p.k, p.keys), j, D, scores, y)
    if p.edge_key != 0:
        query, key = i * H * D, edge * H * D
        add_dots(p.score.scale, at(p.q, p.keys), query, D, at(p.edge_key, p.keys), key, D, D, H, scores, y)
    if p.attr_query != 0:
        queries, features = at(p.attr_query, p.number), at(p.edge_attr, p.number)
        add_dots(p.score.scale, queries, i * H * A, A, features, edge * A, U(0), A, H, scores, y)


@_for_score(slopes_of_inputs, Dot, AdditiveLeaky, AdditiveTanh, BiasAlone)
def _same_slopes(p: Any, i: Any, j: Any, edge: Any, slopes: Any, y: Any) -> None:
    pass


@_for_score(add_to_source, Dot)
def _dot_source(p: Any, g: Any, task: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:  # noqa: E501  # fmt: skip
    H, D, A = U(p.heads), U(p.width), U(p.attr_width)
    scale = p.score.scale
    if g.k != 0:
        into_keys(p, scale, slopes, y, at(p.q, p.keys), i, at(g.k, p.number), row, D)
    if g.edge_key != 0:
        add_scaled(scale, slopes, y, at(p.q, p.keys), i * H * D, D, at(g.edge_key, p.number), edge * H * D, D, D, H)
    if g.edge_attr != 0 and p.attr_query != 0:
        queries, features = at(p.attr_query, p.number), at(g.edge_attr, p.number)
        add_scaled(scale, slopes, y, queries, i * H * A, A, features, edge * A, U(0), A, H)


@_for_score(add_to_destination, Dot)
def _dot_destination(p: Any, g: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:
    H, D, A = U(p.heads), U(p.width), U(p.attr_width)
    scale = p.score.scale
    if g.q != 0:
        into_queries(p, scale, slopes, y, at(p.k, p.keys), j, at(g.q, p.number), row, D)
        if p.edge_key != 0:
            keys, queries = at(p.edge_key, p.keys), at(g.q, p.number)
            add_scaled(scale, slopes, y, keys, edge * H * D, D, queries, row * H * D, D, D, H)
    if g.attr_query != 0:
        features, queries = at(p.edge_attr, p.number), at(g.attr_query, p.number)
        add_scaled(scale, slopes, y, features, edge * A, U(0), queries, row * H * A, A, A, H)


# sum


@as_written
def _sum_inside(p: Any, i: Any, j: Any, edge: Any, h: Any) -> Any:
    query, key = at(p.q, p.number)[i * U(p.heads) + h], at(p.k, p.number)[j * U(p.key_heads) + key_head(p, h)]
    return _biased(p, query + key, edge, h)


@_for_score(scores_of_edge, Sum)
def _sum_scores(p: Any, i: Any, j: Any, edge: Any, hidden: Any, scores: Any, y: Any) -> None:
    for h in range(U(p.heads)):
        inside = _sum_inside(p, i, j, edge, h)
        scores[y + h] = p.score.scale * (p.score.negative_slope * inside if inside < 0 else inside)


@_for_score(slopes_of_inputs, Sum)
def _sum_slopes(p: Any, i: Any, j: Any, edge: Any, slopes: Any, y: Any) -> None:
    for h in range(U(p.heads)):
        factor = p.score.scale if _sum_inside(p, i, j, edge, h) > 0 else p.score.scale * p.score.negative_slope
        slopes[y + h] *= factor


@_for_score(add_to_source, Sum)
def _sum_source(p: Any, g: Any, task: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:  # noqa: E501  # fmt: skip
    if g.k != 0:
        keys = at(g.k, p.number)
        for h in range(U(p.heads)):
            keys[row * U(p.key_heads) + key_head(p, h)] += slopes[y + h]


@_for_score(add_to_destination, Sum)
def _sum_destination(p: Any, g: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:
    if g.q != 0:
        queries = at(g.q, p.number)
        for h in range(U(p.heads)):
            queries[row * U(p.heads) + h] += slopes[y + h]


# additive


def _activation(score: Any, x: Any) -> Any:
    """The activation of an additive score."""


@overload(_activation)
def _choose_activation(score, x):  # type: ignore[no-untyped-def]
    if score.instance_class is AdditiveTanh:
        return lambda score, x: tanh(x)
    return lambda score, x: score.negative_slope * x if x < 0 else x


def _activation_slope(score: Any, x: Any, value: Any) -> Any:
    """The derivative of the activation at x, where it has that value."""


@overload(_activation_slope)
def _choose_activation_slope(score, x, value):  # type: ignore[no-untyped-def]
    if score.instance_class is AdditiveTanh:
        return lambda score, x, value: type(x)(1) - value * value
    return lambda score, x, value: type(x)(1) if x > 0 else score.negative_slope


@as_written
def _sum_into(p: Any, i: Any, j: Any, edge: Any, hidden: Any) -> None:
    """hidden = q_i + k_j + e_ij, for all heads."""
    H, Hk, D = U(p.heads), U(p.key_heads), U(p.width)
    q, k = at(p.q, p.keys), at(p.k, p.keys)
    if H == Hk:
        plus(q, i * H * D, k, j * H * D, hidden, U(0), H * D)
    else:
        for h in range(H):
            plus(q, (i * H + h) * D, k, (j * Hk + key_head(p, h)) * D, hidden, h * D, D)
    if p.edge_key != 0:
        plus(at(p.edge_key, p.keys), edge * H * D, hidden, U(0), hidden, U(0), H * D)


@_for_score(scores_of_edge, AdditiveLeaky, AdditiveTanh)
def _additive_scores(p: Any, i: Any, j: Any, edge: Any, hidden: Any, scores: Any, y: Any) -> None:
    H, D = U(p.heads), U(p.width)
    _sum_into(p, i, j, edge, hidden)
    for x in range(H * D):
        hidden[x] = _activation(p.score, hidden[x])
    _start_with_bias(p, edge, scores, y)
    add_dots(p.score.scale, at(p.score.vector, p.number), U(0), D, hidden, U(0), D, D, H, scores, y)


@as_written
def _activate(p: Any, i: Any, j: Any, edge: Any, hidden: Any) -> None:
    """The activations in the first half of `hidden`; their slopes times the vector in the second."""
    size = U(p.heads) * U(p.width)
    vector = at(p.score.vector, p.number)
    _sum_into(p, i, j, edge, hidden)
    for x in range(size):
        value = _activation(p.score, hidden[x])
        hidden[size + x] = vector[x] * _activation_slope(p.score, hidden[x], value)
        hidden[x] = value


@_for_score(add_to_source, AdditiveLeaky, AdditiveTanh)
def _additive_source(p: Any, g: Any, task: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:  # noqa: E501  # fmt: skip
    H, D = U(p.heads), U(p.width)
    if g.k == 0 and g.edge_key == 0 and g.vector == 0:
        return
    _activate(p, i, j, edge, hidden)
    scale = p.score.scale
    if g.vector != 0:
        add_scaled(scale, slopes, y, hidden, U(0), D, at(g.vector, p.number), task * H * D, D, D, H)
    if g.k != 0:
        into_keys(p, scale, slopes, y, hidden, U(1), at(g.k, p.number), row, D)
    if g.edge_key != 0:
        add_scaled(scale, slopes, y, hidden, H * D, D, at(g.edge_key, p.number), edge * H * D, D, D, H)


@_for_score(add_to_destination, AdditiveLeaky, AdditiveTanh)
def _additive_destination(p: Any, g: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:  # noqa: E501  # fmt: skip
    H, D = U(p.heads), U(p.width)
    if g.q == 0:
        return
    _activate(p, i, j, edge, hidden)
    add_scaled(p.score.scale, slopes, y, hidden, H * D, D, at(g.q, p.number), row * H * D, D, D, H)


# bias alone


@_for_score(scores_of_edge, BiasAlone)
def _bias_scores(p: Any, i: Any, j: Any, edge: Any, hidden: Any, scores: Any, y: Any) -> None:
    _start_with_bias(p, edge, scores, y)


@_for_score(add_to_source, BiasAlone)
def _bias_source(p: Any, g: Any, task: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:  # noqa: E501  # fmt: skip
    pass


@_for_score(add_to_destination, BiasAlone)
def _bias_destination(p: Any, g: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:
    pass
