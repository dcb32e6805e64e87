"""Dropout of node features, sparse ones too."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphattn.nn.sparse_features import is_sparse, with_values


class FeatureDropout(nn.Dropout):
    """Dropout of node features: `torch.nn.Dropout` that takes sparse rows too.

    Of a `torch.sparse_csr` matrix only the stored entries are drawn for, since a zero stays one either way: the result
    has the distribution that dropout of the dense matrix has, and the entries of `x` (dropped ones are stored as 0).

    Args:
        p: probability of an entry to become 0; the others are divided by 1 − p.

    Shapes:
        x of any shape, dense, or `[N, F]`, `torch.sparse_csr` → the same.

    Raises:
        ValueError: `p` is no probability.
        TypeError: `x` has another sparse layout.

    Example:
        >>> import torch
        >>> x = torch.tensor([[0.0, 2.0, 0.0], [4.0, 0.0, 0.0]]).to_sparse_csr()
        >>> FeatureDropout(0.5).eval()(x) is x
        True

    Srivastava et al. 2014, JMLR 15:1929.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with entries dropped in training, and as it is in evaluation."""
        if x.layout is torch.strided:
            return super().forward(x)
        if not is_sparse(x):
            raise TypeError(f"x must be dense or torch.sparse_csr, got {x.layout}: convert it with x.to_sparse_csr()")
        if not self.training or self.p == 0:
            return x
        return with_values(x, F.dropout(x.values(), self.p))
