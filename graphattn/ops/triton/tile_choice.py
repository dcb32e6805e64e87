"""Chooses the tile of a launch: that of the table, unless a better one was measured or that one does not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import torch
from triton.runtime.errors import OutOfResources

from graphattn.ops.triton import tile_store
from graphattn.ops.triton.tile_table import Tile, architecture_of, padded, smaller


class Key(NamedTuple):
    """Everything that the best tile of a launch depends on."""

    device: str
    kernel: str
    degree: int  # the largest of the bin
    score: str
    dtype: str
    heads: int
    key_heads: int
    width: int  # of keys
    value_width: int
    attr_width: int
    crowded: int
    whole: bool  # whether one program must have all heads


Start = Callable[[Tile], None]
Choose = Callable[[Key, Tile, Start], Tile]

_too_large: dict[Key, Tile] = {}  # what fits in place of a tile that the GPU cannot hold
_choose: Choose | None = None  # while tiles are measured


@cache
def name_of(device: torch.device) -> str:
    """The GPU's model and architecture; "interpreter" on the CPU."""
    if device.type != "cuda":
        return "interpreter"
    properties = torch.cuda.get_device_properties(device)
    return f"{properties.name}, {getattr(properties, 'gcnArchName', architecture_of(device))}"


def launch_with(key: Key, tile: Tile, start: Start) -> None:
    """Start a kernel that does the same with every tile: with a better one than `tile`, where one is known.

    Where the GPU cannot hold the kernel with that, a smaller one is taken, and kept for the launches that follow.

    Raises:
        OutOfResources: it holds none.
    """
    tile = _too_large.get(key) or measured().get(key, tile)
    if _choose is not None:
        tile = _choose(key, tile, start)
    while True:
        try:
            return start(tile)
        except OutOfResources:
            less = smaller(tile, whole=key.whole)
            if less is None:
                raise
            tile = _too_large[key] = less


@cache
def measured() -> dict[Key, Tile]:
    """The tiles measured to be best, in this process and in those before it."""
    found = {}
    try:
        for key, tile in tile_store.load():
            found[Key(*key)] = _checked(Key(*key), Tile(*tile))
    except (TypeError, ValueError):
        return {}
    return found


def keep(found: dict[Key, Tile]) -> None:
    """Take these tiles from here on, in this process and in those that start later."""
    known = measured()
    measured.cache_clear()  # other processes may have measured meanwhile
    measured().update(known | found)
    for key in found:
        _too_large.pop(key, None)
    tile_store.save([(tuple(key), tuple(tile)) for key, tile in sorted(measured().items())])


@contextmanager
def choosing(choose: Choose) -> Iterator[None]:
    """Have `choose` find the tile of each launch, in every thread: a backward pass runs in one of its own."""
    global _choose
    _choose = choose
    try:
        yield
    finally:
        _choose = None


def _checked(key: Key, tile: Tile) -> Tile:
    """The tile, if kernels can be compiled for it.

    Raises:
        ValueError: a size is no power of two, or the heads are too many or too few.
    """
    heads = padded(key.key_heads)
    sizes = tile[:4]
    if any(not isinstance(size, int) or size != padded(size) for size in sizes) or tile.stages not in range(1, 9):
        raise ValueError(f"no tile: {tile}")
    if tile.key_heads > heads or (key.whole and tile.key_heads < heads):
        raise ValueError(f"{tile} does not have the heads of {key}")
    return tile
