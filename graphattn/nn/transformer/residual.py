"""Residual connections and the feed-forward network of Transformer layers."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


def residual(
    x: Tensor, branch: Callable[[Tensor], Tensor], norm: nn.Module, dropout: nn.Module, norm_first: bool
) -> Tensor:
    """x + dropout(branch(norm(x))) if `norm_first`, else norm(x + dropout(branch(x))).

    Pre-norm: Xiong et al. 2020, arXiv:2002.04745, figure 1b. Post-norm: Vaswani et al. 2017, arXiv:1706.03762,
    section 3.1.
    """
    if norm_first:
        return x + dropout(branch(norm(x)))
    return norm(x + dropout(branch(x)))


def feed_forward(embed_dim: int, ffn_dim: int | None, activation: nn.Module | None, dropout: float) -> nn.Sequential:
    """W_2 dropout(act(W_1 x)); the hidden width is 4 · `embed_dim` and the activation GELU when None."""
    ffn_dim = 4 * embed_dim if ffn_dim is None else ffn_dim
    activation = nn.GELU() if activation is None else activation
    return nn.Sequential(nn.Linear(embed_dim, ffn_dim), activation, nn.Dropout(dropout), nn.Linear(ffn_dim, embed_dim))
