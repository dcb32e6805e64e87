"""Scores to weights, and gradients of weights to those of scores, where no sum over the row is needed."""

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
