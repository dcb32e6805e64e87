"""What measuring tiles found, as a record that prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Tuned(NamedTuple):
    """What was found for one kernel and one bin of rows; a tile as (rows, edges of each, key heads, warps, stages)."""

    kernel: str
    degree: int
    before: tuple[int, ...]
    after: tuple[int, ...]
    seconds_before: float
    seconds_after: float

    def __str__(self) -> str:
        times = f"{1e6 * self.seconds_before:.1f} µs → {1e6 * self.seconds_after:.1f} µs"
        return f"{self.kernel}, rows of at most {self.degree} edges: {times}, tile {self.before} → {self.after}"


@dataclass(frozen=True)
class Tuning:
    """What `tune` did: on which device, and the tiles it found; none where there was nothing to tune, for `reason`."""

    device: str
    tiles: tuple[Tuned, ...]
    reason: str

    def __str__(self) -> str:
        return "\n".join([f"{self.device}: {self.reason}", *(f"  {found}" for found in self.tiles)])
