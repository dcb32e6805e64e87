"""Sinusoidal positions along one axis or several."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def sinusoidal(position: Tensor, width: int, *, base: float = 10000.0) -> Tensor:
    """The sinusoidal positions of the Transformer.

        out[:, 2t] = sin(p / base^(2t / width)),   out[:, 2t + 1] = cos(p / base^(2t / width))

    For positions `[N, A]` with A axes, the encodings of the axes, `width / A` wide, are concatenated, as for images.

    Args:
        position: `[N]` or `[N, A]`, integers or floating point.
        width: width of the encoding; A divides it, and `width / A` is even.
        base: the longest wavelength is 2π · base.

    Returns:
        `[N, width]`, in the dtype of `position` if that is floating point, else in torch's default dtype.

    Raises:
        ValueError: `width` is not a multiple of 2 A, or `position` is not 1- or 2-dimensional.

    Example:
        >>> sinusoidal(torch.tensor([0, 1]), 2)
        tensor([[0.0000, 1.0000],
                [0.8415, 0.5403]])

    Vaswani et al. 2017, arXiv:1706.03762, section 3.5; of images: Carion et al. 2020, arXiv:2005.12872, appendix A.4
    (which first scales positions by the image size).
    """
    if position.ndim not in (1, 2):
        raise ValueError(f"position is [N] or [N, axes], got {list(position.shape)}")
    axes = position.shape[1] if position.ndim == 2 else 1
    if axes == 0 or width % (2 * axes):
        raise ValueError(f"width must be a multiple of 2 for each of {axes} axes, got {width}")
    if not position.is_floating_point():
        position = position.to(torch.get_default_dtype())
    each = width // axes
    exponent = torch.arange(0, each, 2, dtype=position.dtype, device=position.device) * (-math.log(base) / each)
    angle = position.view(position.shape[0], axes, 1) * exponent.exp()
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)


class SinusoidalPositions(nn.Module):
    """`sinusoidal` as a module without parameters, interchangeable with `LearnedPositions`.

    Shapes:
        position `[N]` or `[N, A]` → `[N, width]`.
    """

    def __init__(self, width: int, *, base: float = 10000.0) -> None:
        super().__init__()
        self.width, self.base = width, base

    def forward(self, position: Tensor) -> Tensor:
        """Compute the encoding."""
        return sinusoidal(position, self.width, base=self.base)
