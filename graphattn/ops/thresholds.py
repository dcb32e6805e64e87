"""Thresholds for small inputs, as measured."""

import torch
from torch import Tensor

FEW_PAIRS = 12_000  # pairs times heads; for fewer, a call of their own costs more than a pass over the edges
FEW_NUMBERS = 2**16  # for fewer, time goes by the number of PyTorch's calls and not by what each of them computes


def is_small(tensor: Tensor) -> bool:
    """Whether the fewest calls of PyTorch are the fastest; False in a compiled program, which serves all sizes."""
    return not torch.compiler.is_compiling() and tensor.numel() < FEW_NUMBERS
