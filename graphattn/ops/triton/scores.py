"""Scores of a tile of edges for all heads, and their derivatives.

q and k are `[R, S, heads, D]` (with S = 1 for what belongs to the row), `[R, S, heads]` for a "sum"; k has its edge key
in it already. scale and slope are `[1, 1, 1]`.
"""

import triton
import triton.language as tl


@triton.jit
def _leaky(x, slope):
    return tl.where(x < 0, slope * x, x)


@triton.jit
def _tanh(x):
    t = tl.exp(-2 * tl.abs(x))
    size = (1 - t) / (1 + t)
    return tl.where(x < 0, -size, size)


@triton.jit
def scores_of_tile(q, k, bias, attr_query, features, vector, scale, slope, SCORE: tl.constexpr):
    """`[R, S, heads]`.

    dot: scale · (⟨q, k⟩ + ⟨u, a⟩) + b, with u the query of the edge features a;  sum: scale · leaky_relu(q + k + b);
    leaky_relu, tanh: scale · ⟨vector, act(q + k)⟩ + b.
    """
    if SCORE == "sum":
        score = scale * _leaky(inside_of_sum(q, k, bias), slope)
    else:
        if SCORE == "dot":
            score = tl.sum(q * k, 3)
            if attr_query is not None:
                score += tl.sum(attr_query * features, 3)
        else:
            score = tl.sum(vector * activation(q + k, slope, SCORE), 3)
        score = scale * score
        if bias is not None:
            score += bias
    return score


@triton.jit
def inside_of_sum(q, k, bias):
    """What the leaky ReLU of a "sum" is taken of."""
    inside = q + k
    if bias is not None:
        inside += bias
    return inside


@triton.jit
def activation(x, slope, SCORE: tl.constexpr):
    """Of an additive score."""
    if SCORE == "tanh":
        value = _tanh(x)
    else:
        value = _leaky(x, slope[:, :, :, None])
    return value


@triton.jit
def activation_slope(x, value, slope, SCORE: tl.constexpr):
    """The derivative of the activation at x, where it has that value."""
    if SCORE == "tanh":
        steepness = 1 - value * value
    else:
        steepness = tl.where(x > 0, 1.0, slope[:, :, :, None])
    return steepness
