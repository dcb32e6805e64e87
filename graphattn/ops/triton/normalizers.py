"""Scores to weights, and gradients of weights to those of scores."""

import triton
import triton.language as tl


@triton.jit
def weights_of_tile(score, NORMALIZE: tl.constexpr):
    """The weight of each score by "relu", "sigmoid" or "identity"."""
    if NORMALIZE == "relu":
        score = tl.where(score < 0, 0.0, score)
    elif NORMALIZE == "sigmoid":
        score = 1 / (1 + tl.exp(-score))
    return score


@triton.jit
def gradient_through(grad, score, weight, NORMALIZE: tl.constexpr):
    """The gradient of each score, given that of its weight."""
    if NORMALIZE == "relu":
        grad = tl.where(score <= 0, 0.0, grad)
    elif NORMALIZE == "sigmoid":
        grad = grad * weight * (1 - weight)
    return grad


@triton.jit
def weights_and_gradients(score, grad, grown, inside, level, remainder, delta, also, NORMALIZE: tl.constexpr):
    """The weight of each score after dropout, and the gradient of the score, given that of the weight.

    Both are zero but `inside`. `grown` is the factor of dropout; level, remainder, delta and also are lse, rest, δ and
    dlse (or None) of a softmax. All have one shape, or one that is broadcast to it.
    """
    grad *= grown
    if NORMALIZE == "softmax":
        grad -= delta
        if also is not None:
            grad += also  # last, for the difference before it is often exactly zero
        visible = inside & (level != float("-inf"))
        weight = tl.where(visible, tl.exp((score - level) - remainder), 0.0)
        grad = tl.where(visible, weight * grad, 0.0)
    else:
        weight = weights_of_tile(score, NORMALIZE)
        grad = tl.where(inside, gradient_through(grad, score, weight, NORMALIZE), 0.0)
        weight = tl.where(inside, weight, 0.0)
    return weight * grown, grad
