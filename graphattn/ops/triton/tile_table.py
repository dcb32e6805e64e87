"""The size of a program's tile from a small table by architecture, instead of minutes of autotuning."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch


class Architecture(NamedTuple):
    """What the programs of one kind of GPU are made of; a size of a tile that is not here follows from the call's."""

    lanes: int  # threads of a warp
    warps: int  # of a program, at most
    slots: dict[int, int]  # edges of a row that one step takes, by the largest degree of a bin
    numbers: dict[str, int]  # of one `[R, S, heads, width]` tile in the registers of a thread, by kernel: none spills
    stages: int  # steps of a loop whose rows are under way at once, by copies to shared memory if more than one


_SLOTS = {0: 1, 4: 2, 32: 8, 512: 16}  # a step of more would often be half empty
ARCHITECTURES = {
    "sm_80": Architecture(32, 8, _SLOTS, {"forward": 32, "source": 16, "destination": 32}, 1),
    "sm_90": Architecture(32, 8, _SLOTS, {"forward": 32, "source": 16, "destination": 32}, 1),
    "gfx942": Architecture(64, 8, _SLOTS, {"forward": 32, "source": 16, "destination": 32}, 1),
}


class Tile(NamedTuple):
    """R rows, S edges of each at a time, so many key heads; the warps that share it, and its stages."""

    rows: int
    slots: int
    key_heads: int
    warps: int
    stages: int = 1


@cache
def architecture_of(device: torch.device) -> str:
    """The row of `ARCHITECTURES` for a GPU.

    Of NVIDIA's the newest that is no newer than the GPU, or the oldest; of AMD's "gfx942" where warps have 64 threads
    (CDNA). "sm_80" stands for the rest: AMD's with 32 (RDNA), and Triton's interpreter on the CPU.
    """
    if device.type != "cuda":
        return "sm_80"
    if torch.version.hip:
        return "gfx942" if torch.cuda.get_device_properties(device).gcnArchName.startswith("gfx9") else "sm_80"
    return "sm_90" if torch.cuda.get_device_capability(device) >= (9, 0) else "sm_80"


def padded(size: int) -> int:
    """The next power of two, and at least one."""
    return 1 << max(0, size - 1).bit_length()


@cache
def tile_for(
    architecture: str, degree: int, key_heads: int, group: int, width: int, kernel: str, number_size: int, *,
    whole: bool = False, crowded: int = 0,
) -> Tile:  # fmt: skip
    """The tile of a kernel for rows of at most `degree` edges.

    Args:
        architecture: a row of `ARCHITECTURES`.
        degree: the largest degree of the bin; 0 where rows are taken without their edges.
        key_heads: of k and v.
        group: query heads of each key head.
        width: of the wider of keys and values.
        kernel: "forward", "source" or "destination".
        number_size: bytes of the numbers added up: a register holds four.
        whole: whether one program must have all heads.
        crowded: how often to halve the tile, for registers hold more than queries, keys, values and sums.
    """
    lanes, most_warps, slots_of, numbers, stages = ARCHITECTURES[architecture]
    per_thread = max(1, numbers[kernel] // (1 if number_size == 4 else 4) >> crowded)
    most = most_warps * lanes * per_thread
    heads, row = padded(key_heads), padded(group) * padded(width)
    while not whole and heads > 1 and heads * row > most:
        heads //= 2
    row *= heads
    slots = slots_of[degree]
    while slots > 1 and slots * row > most:
        slots //= 2
    rows = 1  # few, for each needs registers beside those of its edges
    while degree < max(slots_of) and 2 * rows * slots * row <= lanes * max(8, per_thread // 2):
        rows *= 2
    warps = max(1, min(most_warps, rows * slots * row // (lanes * per_thread)))
    return Tile(rows, slots, heads, warps, stages)


def candidates(tile: Tile) -> list[Tile]:
    """The tile and those beside it: half or twice the edges of a step, rows or warps, and one stage more."""
    found = {tile: None}
    for name in ("slots", "rows", "warps"):
        for more in (tile, tile._replace(warps=2 * tile.warps)) if name != "warps" else (tile,):
            size = getattr(tile, name)
            for other in (size // 2, 2 * size):
                found[more._replace(**{name: other})] = None
    found |= {some._replace(stages=some.stages + 1): None for some in (tile, tile._replace(warps=2 * tile.warps))}
    return [some for some in found if min(some) > 0 and some.warps <= 16]


def smaller(tile: Tile, *, whole: bool = False) -> Tile | None:
    """A tile that needs less shared memory and fewer threads; None if there is none. `whole` as for `tile_for`."""
    if tile.stages > 1:
        return tile._replace(stages=1)
    for name in ("slots", "rows", *(() if whole else ("key_heads",))):
        if getattr(tile, name) > 1:
            return tile._replace(**{name: getattr(tile, name) // 2, "warps": max(1, tile.warps // 2)})
    return tile._replace(warps=tile.warps // 2) if tile.warps > 1 else None
