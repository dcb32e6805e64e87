"""The feature map elu(x) + 1 of linear attention."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from graphattn.graph import Graph


def elu_features(q: Tensor, k: Tensor, graph: Graph | None = None) -> tuple[Tensor, Tensor]:
    """φ(x) = elu(x) + 1, elementwise, for queries and keys; the graph is ignored.

    Katharopoulos et al. 2020, arXiv:2006.16236, eq. 7.

    Example:
        >>> import torch
        >>> elu_features(torch.tensor([0.0, 2.0]), torch.tensor([1.0]))
        (tensor([1., 3.]), tensor([2.]))
    """
    return F.elu(q) + 1, F.elu(k) + 1
