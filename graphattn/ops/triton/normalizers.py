"""Scores to weights, and gradients of weights to those of scores, where no sum over the row is needed."""

import triton
import triton.language as tl


@triton.jit
def weights_of_tile(score, NORMALIZE: tl.constexpr):
    """The weight of each score by "relu", "sigmoid" or "identity"."""
    if NORMALIZE == "relu":
        return tl.where(score < 0, 0.0, score)
    if NORMALIZE == "sigmoid":
        return 1 / (1 + tl.exp(-score))
    return score


@triton.jit
def gradient_through(grad, score, weight, NORMALIZE: tl.constexpr):
    """The gradient of each score, given that of its weight."""
    if NORMALIZE == "relu":
        return tl.where(score <= 0, 0.0, grad)
    if NORMALIZE == "sigmoid":
        return grad * weight * (1 - weight)
    return grad
