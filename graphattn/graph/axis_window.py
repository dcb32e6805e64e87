"""Which positions along one axis a position attends to: the rule that windows and grids share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

Border = Literal["truncate", "shift", "periodic"]


@dataclass(frozen=True)
class Reach:
    """Position `p` sees `p - left·dilation, ..., p - dilation, p, p + dilation, ..., p + right·dilation`.

    What happens at the two ends of an axis of `n` positions is up to `border`:

    - "truncate": positions outside are left out, so those near an end see fewer.
    - "shift" (NATTEN's rule): the window moves inwards until it fits, keeping its place in the positions
      `p mod dilation`, so each position sees exactly `left + 1 + right`. Needs `(left + 1 + right)·dilation <= n`.
    - "periodic": positions are taken modulo `n`. Needs the window not to meet itself on the way round.

    Reference: Hassani and Shi 2022, arXiv:2209.15001 (dilated neighborhood attention).
    """

    left: int
    right: int
    dilation: int = 1
    border: Border = "truncate"

    @property
    def width(self) -> int:
        """The number of positions seen away from the ends."""
        return self.left + 1 + self.right

    @property
    def num_offsets(self) -> int:
        """How many offsets there can be between a position and those it sees."""
        return 2 * self.width - 1 if self.border == "shift" else self.width

    def check(self, size: int) -> None:
        """Check that the window has a meaning on an axis of `size` positions.

        Raises:
            ValueError: it does not.
        """
        window = f"a window of {self.width} with dilation {self.dilation}"
        if size == 0:
            return
        if self.border == "shift" and self.width > (most := max(size // self.dilation, 1)):
            raise ValueError(
                f"border='shift' cannot fit {window} into an axis of {size}, but one of {most} at most; use 'truncate'"
            )
        if self.border == "periodic" and self.width > (most := size // math.gcd(size, self.dilation)):
            raise ValueError(
                f"border='periodic' makes {window} meet itself on an axis of {size}, "
                f"which has room for one of {most} at most; use 'truncate'"
            )

    def num_pairs(self, size: int) -> int:
        """How many pairs (position, position seen) an axis of `size` positions has.

        >>> Reach(left=1, right=1).num_pairs(4)
        10
        """
        if self.border != "truncate" or size == 0:
            return self.width * size
        # Of the positions, size - t·dilation have a neighbor t steps to one side.
        furthest = (size - 1) // self.dilation
        return size + sum(
            size * reach - self.dilation * reach * (reach + 1) // 2
            for reach in (min(self.left, furthest), min(self.right, furthest))
        )

    def start_and_count(self, position: Tensor, size: Tensor | int) -> tuple[Tensor, Tensor]:
        """The first position seen from `position` on an axis of `size`, and how many from there on.

        With border "periodic", the positions are still to be taken modulo `size`.

        >>> import torch
        >>> Reach(left=1, right=1).start_and_count(torch.arange(4), 4)
        (tensor([0, 0, 1, 2]), tensor([2, 3, 3, 2]))
        >>> Reach(left=1, right=1, border="shift").start_and_count(torch.arange(4), 4)
        (tensor([0, 0, 1, 1]), tensor([3, 3, 3, 3]))
        """
        if self.border == "truncate":
            before = (position // self.dilation).clamp(max=self.left)
            after = ((size - 1 - position) // self.dilation).clamp(max=self.right)
            return position - before * self.dilation, before + 1 + after
        count = torch.full_like(position, self.width)
        if self.border == "periodic":
            return position - self.left * self.dilation, count
        phase, step = position % self.dilation, position // self.dilation
        steps = (size - phase + self.dilation - 1) // self.dilation
        first = torch.minimum((step - self.left).clamp(min=0), steps - self.width)
        return first * self.dilation + phase, count

    def offset_index(self, difference: Tensor, size: int) -> Tensor:
        """Number the offsets `difference` (position seen - position) on an axis of `size` from 0, in steps.

        >>> import torch
        >>> Reach(left=1, right=1, dilation=2).offset_index(torch.tensor([-2, 0, 2]), 9)
        tensor([0, 1, 2])
        >>> Reach(left=1, right=1, border="periodic").offset_index(torch.tensor([-1, 0, 1, 3, -3]), 4)
        tensor([0, 1, 2, 0, 2])
        """
        if self.border != "periodic":
            before = self.width - 1 if self.border == "shift" else self.left
            return difference // self.dilation + before
        # The number of steps t solves dilation · t = difference (mod size), and is known modulo `period`.
        common = math.gcd(size, self.dilation)
        period = size // common
        return (difference // common * pow(self.dilation // common, -1, period) + self.left) % period


def as_border(border: str) -> Border:
    """Return `border` if it is one.

    Raises:
        ValueError: it is not.
    """
    for known in get_args(Border):
        if border == known:
            return known
    raise ValueError(f"border must be one of {', '.join(get_args(Border))}, got {border!r}")


def as_positive(name: str, value: int) -> int:
    """Return `value` if it is at least 1.

    Raises:
        ValueError: it is not.
    """
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    return value
