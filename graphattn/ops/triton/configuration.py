"""The size of a program's tile: a small table in place of minutes of trying out."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch

LANES = 64 if torch.version.hip else 32
"""Threads of a warp."""
SLOTS = {0: 1, 4: 2, 32: 8, 512: 16}
"""Edges of a row that one step takes, by the largest degree of a bin: a step of more would often be half empty."""
NUMBERS_PER_THREAD = {"forward": 32, "source": 16, "destination": 32}
"""Numbers of one `[R, S, heads, width]` tile in the registers of a thread, so that none of the kernels spills."""
MOST_WARPS = 8


class Tile(NamedTuple):
    """R rows, S edges of each at a time, so many key heads; and the warps that share it."""

    rows: int
    slots: int
    key_heads: int
    warps: int


def padded(size: int) -> int:
    """The next power of two, and at least one."""
    return 1 << max(0, size - 1).bit_length()


@cache
def tile_for(
    degree: int, key_heads: int, group: int, width: int, kernel: str, number_size: int, *, whole: bool = False,
    crowded: int = 0,
) -> Tile:  # fmt: skip
    """The tile of a kernel for rows of at most `degree` edges.

    Args:
        degree: the largest degree of the bin; 0 where rows are taken without their edges.
        key_heads: of k and v.
        group: query heads of each key head.
        width: of the wider of keys and values.
        kernel: "forward", "source" or "destination".
        number_size: bytes of the numbers added up: a register holds four.
        whole: whether one program must have all heads.
        crowded: how often to halve the tile, for registers hold more than queries, keys, values and sums.
    """
    per_thread = max(1, NUMBERS_PER_THREAD[kernel] // (1 if number_size == 4 else 4) >> crowded)
    most = MOST_WARPS * LANES * per_thread
    heads, row = padded(key_heads), padded(group) * padded(width)
    while not whole and heads > 1 and heads * row > most:
        heads //= 2
    row *= heads
    slots = SLOTS[degree]
    while slots > 1 and slots * row > most:
        slots //= 2
    rows = 1  # few, for each needs registers beside those of its edges
    while degree < max(SLOTS) and 2 * rows * slots * row <= LANES * max(8, per_thread // 2):
        rows *= 2
    warps = max(1, min(MOST_WARPS, rows * slots * row // (LANES * per_thread)))
    return Tile(rows, slots, heads, warps)
