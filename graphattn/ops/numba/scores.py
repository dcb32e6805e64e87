"""Scores of one edge for all heads, and what a gradient of the scores adds to queries, keys and edge tensors.

One function of each kind for each class of score in `graphattn.ops.numba.problem`; Numba chooses by type, so a kernel
holds the code of one score. i is a destination, j a source, `edge` an edge of the caller's; y is where the H numbers
of the edge begin in `scores` or `slopes`; `row` is where a gradient is added up, which is not i or j in a row cut into
pieces. `hidden` is room for 2·H·D numbers.
"""

from collections.abc import Callable
from typing import Any

from numba.extending import overload

from graphattn.ops.numba.edges import ONE, U
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
from graphattn.ops.numba.jit import HELPER, inlined
from graphattn.ops.numba.problem import AdditiveLeaky, AdditiveLeakyEdges, AdditiveTanh, BiasAlone, Dot, Sum
from graphattn.ops.numba.vector import at


def scores_of_edge(p: Any, i: Any, j: Any, edge: Any, hidden: Any, scores: Any, y: Any) -> None:
    """Write the H scores of the edge j → i."""


def slopes_of_inputs(p: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:
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

        overload(function, strict=False, jit_options={**HELPER, "forceinline": True})(choose)
        return code

    return register


@inlined
def _start_with_bias(p: Any, edge: Any, scores: Any, y: Any) -> None:
    """Set the scores of an edge to its biases, or to zero."""
    H = U(p.heads)
    if p.bias != 0:
        copy(scores, y, at(p.bias, p.number), edge * H, H)
    else:
        set_to(scores, y, p.number, H)


# dot


@_for_score(scores_of_edge, Dot)
def _dot_scores(p: Any, i: Any, j: Any, edge: Any, hidden: Any, scores: Any, y: Any) -> None:
    H, D, A = U(p.heads), U(p.width), U(p.attr_width)
    _start_with_bias(p, edge, scores, y)
    scale, q = p.score.scale, at(p.q, p.queries)
    add_dots(scale, q, i, at(p.k, p.keys), j, D, U(p.group), U(p.key_heads), scores, y)
    if p.edge_key != 0:
        add_dots(scale, q, i, at(p.edge_key, p.keys), edge, D, ONE, H, scores, y)
    if p.attr_query != 0:
        add_dots(scale, at(p.attr_query, p.number), i, at(p.edge_attr, p.number), edge, A, H, ONE, scores, y)


@_for_score(slopes_of_inputs, Dot, AdditiveLeaky, AdditiveLeakyEdges, AdditiveTanh, BiasAlone)
def _same_slopes(p: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:
    pass


@_for_score(add_to_source, Dot)
def _dot_source(p: Any, g: Any, task: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:  # noqa: E501  # fmt: skip
    H, D, A = U(p.heads), U(p.width), U(p.attr_width)
    scale, q = p.score.scale, at(p.q, p.queries)
    if g.k != 0:
        add_to_keys(scale, slopes, y, q, i, at(g.k, p.number), row, D, U(p.group), U(p.key_heads))
    if g.edge_key != 0:
        add_to_keys(scale, slopes, y, q, i, at(g.edge_key, p.number), edge, D, ONE, H)
    if g.edge_attr != 0 and p.attr_query != 0:
        add_to_keys(scale, slopes, y, at(p.attr_query, p.number), i, at(g.edge_attr, p.number), edge, A, H, ONE)


@_for_score(add_to_destination, Dot)
def _dot_destination(p: Any, g: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:
    H, D, A = U(p.heads), U(p.width), U(p.attr_width)
    scale = p.score.scale
    if g.q != 0:
        queries = at(g.q, p.number)
        add_to_queries(scale, slopes, y, queries, row, at(p.k, p.keys), j, D, U(p.group), U(p.key_heads))
        if p.edge_key != 0:
            add_to_queries(scale, slopes, y, queries, row, at(p.edge_key, p.keys), edge, D, ONE, H)
    if g.attr_query != 0:
        queries = at(g.attr_query, p.number)
        add_to_queries(scale, slopes, y, queries, row, at(p.edge_attr, p.number), edge, A, H, ONE)


# sum


@inlined
def _sum_into(p: Any, i: Any, j: Any, edge: Any, hidden: Any) -> None:
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


@_for_score(scores_of_edge, Sum)
def _sum_scores(p: Any, i: Any, j: Any, edge: Any, hidden: Any, scores: Any, y: Any) -> None:
    _sum_into(p, i, j, edge, hidden)
    leaky_relu(scores, y, hidden, U(0), U(p.heads), p.score.scale, p.score.negative_slope)


@_for_score(slopes_of_inputs, Sum)
def _sum_slopes(p: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:
    _sum_into(p, i, j, edge, hidden)
    multiply_leaky_slope(slopes, y, hidden, U(0), U(p.heads), p.score.scale, p.score.negative_slope)


@_for_score(add_to_source, Sum)
def _sum_source(p: Any, g: Any, task: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:  # noqa: E501  # fmt: skip
    H, Hk = U(p.heads), U(p.key_heads)
    if g.k == 0:
        return
    keys = at(g.k, p.number)
    if p.group == 1:
        add(keys, row * H, slopes, y, H)
    else:
        for h in range(H):
            keys[row * Hk + h // U(p.group)] += slopes[y + h]


@_for_score(add_to_destination, Sum)
def _sum_destination(p: Any, g: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:
    if g.q != 0:
        add(at(g.q, p.number), row * U(p.heads), slopes, y, U(p.heads))


# additive with leaky ReLU, as in GATv2


@_for_score(scores_of_edge, AdditiveLeaky)
def _leaky_scores(p: Any, i: Any, j: Any, edge: Any, hidden: Any, scores: Any, y: Any) -> None:
    _start_with_bias(p, edge, scores, y)
    add_leaky_dots(
        p.score.scale, p.score.negative_slope, at(p.score.vector, p.number), at(p.q, p.queries), i, at(p.k, p.keys), j,
        U(p.width), U(p.group), U(p.key_heads), scores, y,
    )  # fmt: skip


@_for_score(add_to_source, AdditiveLeaky)
def _leaky_source(p: Any, g: Any, task: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:  # noqa: E501  # fmt: skip
    if g.k != 0:
        add_leaky_to_keys(
            p.score.scale, p.score.negative_slope, slopes, y, at(p.score.vector, p.number), at(p.q, p.queries), i,
            at(p.k, p.keys), j, U(p.width), U(p.group), U(p.key_heads), at(g.k, p.number), row,
            at(g.vector, p.number), task,
        )  # fmt: skip


@_for_score(add_to_destination, AdditiveLeaky)
def _leaky_destination(p: Any, g: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:
    if g.q != 0:
        add_leaky_to_queries(
            p.score.scale, p.score.negative_slope, slopes, y, at(p.score.vector, p.number), at(p.q, p.queries), i,
            at(p.k, p.keys), j, U(p.width), U(p.group), U(p.key_heads), at(g.q, p.number), row,
        )  # fmt: skip


# additive with edge keys or tanh: the activations are written down


def _activation(score: Any, x: Any) -> Any:
    """The activation of an additive score."""


@overload(_activation, jit_options=HELPER)
def _choose_activation(score, x):  # type: ignore[no-untyped-def]
    if score.instance_class is AdditiveTanh:
        return lambda score, x: tanh(x)
    return lambda score, x: score.negative_slope * x if x < 0 else x


def _activation_slope(score: Any, x: Any, value: Any) -> Any:
    """The derivative of the activation at x, where it has that value."""


@overload(_activation_slope, jit_options=HELPER)
def _choose_activation_slope(score, x, value):  # type: ignore[no-untyped-def]
    if score.instance_class is AdditiveTanh:
        return lambda score, x, value: type(x)(1) - value * value
    return lambda score, x, value: type(x)(1) if x > 0 else score.negative_slope


@inlined
def _rows_into(p: Any, i: Any, j: Any, edge: Any, hidden: Any) -> None:
    """hidden = q_i + k_j + e_ij, for all heads."""
    H, D = U(p.heads), U(p.width)
    plus(at(p.q, p.queries), i, at(p.k, p.keys), j, hidden, D, U(p.group), U(p.key_heads))
    if p.edge_key != 0:
        plus(at(p.edge_key, p.keys), edge, hidden, U(0), hidden, D, ONE, H)


@_for_score(scores_of_edge, AdditiveLeakyEdges, AdditiveTanh)
def _additive_scores(p: Any, i: Any, j: Any, edge: Any, hidden: Any, scores: Any, y: Any) -> None:
    H, D = U(p.heads), U(p.width)
    _rows_into(p, i, j, edge, hidden)
    for x in range(H * D):
        hidden[x] = _activation(p.score, hidden[x])
    _start_with_bias(p, edge, scores, y)
    add_dots(p.score.scale, at(p.score.vector, p.number), U(0), hidden, U(0), D, ONE, H, scores, y)


@inlined
def _activate(p: Any, i: Any, j: Any, edge: Any, hidden: Any) -> None:
    """The activations in the first half of `hidden`; their slopes times the vector in the second."""
    size = U(p.heads) * U(p.width)
    vector = at(p.score.vector, p.number)
    _rows_into(p, i, j, edge, hidden)
    for x in range(size):
        value = _activation(p.score, hidden[x])
        hidden[size + x] = vector[x] * _activation_slope(p.score, hidden[x], value)
        hidden[x] = value


@_for_score(add_to_source, AdditiveLeakyEdges, AdditiveTanh)
def _additive_source(p: Any, g: Any, task: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:  # noqa: E501  # fmt: skip
    H, D = U(p.heads), U(p.width)
    if g.k == 0 and g.edge_key == 0 and g.vector == 0:
        return
    _activate(p, i, j, edge, hidden)
    scale = p.score.scale
    if g.vector != 0:
        add_to_keys(scale, slopes, y, hidden, U(0), at(g.vector, p.number), task, D, ONE, H)
    if g.k != 0:
        add_to_keys(scale, slopes, y, hidden, ONE, at(g.k, p.number), row, D, U(p.group), U(p.key_heads))
    if g.edge_key != 0:
        add_to_keys(scale, slopes, y, hidden, ONE, at(g.edge_key, p.number), edge, D, ONE, H)


@_for_score(add_to_destination, AdditiveLeakyEdges, AdditiveTanh)
def _additive_destination(p: Any, g: Any, row: Any, i: Any, j: Any, edge: Any, hidden: Any, slopes: Any, y: Any) -> None:  # noqa: E501  # fmt: skip
    H, D = U(p.heads), U(p.width)
    if g.q == 0:
        return
    _activate(p, i, j, edge, hidden)
    add_to_queries(p.score.scale, slopes, y, at(g.q, p.number), row, hidden, ONE, D, ONE, H)


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
