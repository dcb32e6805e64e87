"""Finds the best tile of each launch of a call by measuring."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch
from triton.compiler.errors import CompilationError
from triton.runtime.errors import OutOfResources, PTXASError

from graphattn.ops.triton.tile_choice import Key, Start, choosing, keep, name_of
from graphattn.ops.triton.tile_table import Tile, candidates
from graphattn.ops.tune_result import Tuned, Tuning

CLEARLY = 0.97  # a tile replaces that of the table if it takes at most this share of its time: less is noise


def tune(run: Callable[[], None], device: torch.device) -> Tuning:
    """Measure every launch of `run` with several tiles, and keep the fastest."""
    found: dict[Key, Tuned] = {}
    best: dict[Key, Tile] = {}

    def choose(key: Key, tile: Tile, start: Start) -> Tile:
        if key not in found:
            times = {some: _seconds(start, some) for some in _possible(key, tile)}
            fastest = min(times, key=lambda some: times[some])
            best[key] = fastest if times[fastest] <= CLEARLY * times[tile] else tile
            found[key] = Tuned(key.kernel, key.degree, tile, best[key], times[tile], times[best[key]])
        return best[key]

    run()  # the plan of the graph is made, and whatever else is done once
    with torch.cuda.device(device) if device.type == "cuda" else nullcontext(), choosing(choose):
        run()
    keep(best)
    changed = sum(best_tile != found[key].before for key, best_tile in best.items())
    return Tuning(name_of(device), tuple(found.values()), f"{changed} of {len(found)} tiles are others than before")


def _possible(key: Key, tile: Tile) -> list[Tile]:
    """The tile in use, and others that a program of this kernel can have."""
    return [some for some in candidates(tile) if some.slots <= 2 * max(key.degree, 1)]


def _seconds(start: Start, tile: Tile) -> float:
    """The time of one launch; infinite where the kernel cannot be compiled with this tile, or the GPU not hold it."""
    try:
        return timer(lambda: start(tile))
    except (OutOfResources, PTXASError, CompilationError):
        return float("inf")


def timer(launch: Callable[[], None]) -> float:
    """Seconds of one launch: the median by the GPU's own clock, its L2 cache cleared before each."""
    from triton.testing import do_bench

    return do_bench(launch, warmup=5, rep=30, return_mode="median") / 1000
