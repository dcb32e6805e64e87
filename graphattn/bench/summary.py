"""Summaries over many rows: geometric means, and the worst row."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from graphattn.bench.case import Case
from graphattn.bench.contenders import GRAPHATTN, RIVALS
from graphattn.bench.result import Result

KINDS = {
    "forward": "forward",
    "both": "forward + backward",
    "scratch": "memory beyond inputs, outputs and gradients",
    "memory": "memory with them",
}

Row = dict[str, Result]
"""The results of one case, by contender."""


@dataclass(frozen=True)
class Comparison:
    """How many times as much as ours others take, over many rows.

    Attributes:
        mean: the geometric mean of the multiples.
        worst: the smallest multiple.
        where: the case that has it.
        under_three: how many rows are under 3.
        rows: how many rows there are.
    """

    mean: float
    worst: float
    where: Case
    under_three: int
    rows: int


def rows(results: Iterable[Result]) -> list[Row]:
    """Results side by side: one row for each case, in the order in which they were measured."""
    found: dict[Case, Row] = {}
    for result in results:
        found.setdefault(result.case, {})[result.contender] = result
    return list(found.values())


def kinds(results: Iterable[Any]) -> dict[str, str]:
    """Those of `KINDS` that results have figures of: an earlier version did not tell what of the memory all need."""
    found = list(results)
    return {kind: what for kind, what in KINDS.items() if any(each.figure(kind) is not None for each in found)}


def multiple(row: Row, name: str, kind: str) -> float | None:
    """A contender's figure divided by ours; None where either is missing."""
    ours, theirs = (row[who].figure(kind) if who in row else None for who in (GRAPHATTN.name, name))
    return theirs / ours if theirs is not None and ours else None


def best(row: Row, kind: str) -> float | None:
    """The smallest multiple among the rivals that run everywhere."""
    found = [value for value in (multiple(row, name, kind) for name in RIVALS) if value is not None]
    return min(found, default=None)


def compare(chosen: Iterable[Row], kind: str, name: str | None = None) -> Comparison | None:
    """Compare ours with one contender, or with the best rival of each row; None where no row has both."""
    found = []
    for row in chosen:
        value = best(row, kind) if name is None else multiple(row, name, kind)
        if value is not None:
            found.append((value, next(iter(row.values())).case))
    if not found:
        return None
    values = [value for value, _ in found]
    worst, where = min(found, key=lambda pair: pair[0])
    mean = math.exp(sum(math.log(value) for value in values) / len(values))
    return Comparison(mean, worst, where, sum(value < 3 for value in values), len(values))


def disturbed(results: Iterable[Any]) -> float:
    """The share of the processors' time that other processes took, mean over the measurements that tell."""
    found = [result.disturbed for result in results if result.disturbed is not None]
    return sum(found) / len(found) if found else 0.0
