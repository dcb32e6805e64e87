"""Errors that every process hears of, so that none waits for one that has given up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch.distributed as dist

from graphattn.distributed.part import Part


def agree(group: Any, what: str, value: Any) -> None:
    """Compare a value among processes.

    Raises:
        ValueError: on every process, where they differ.
    """
    values: list[Any] = [None] * dist.get_world_size(group)
    dist.all_gather_object(values, value, group=group)
    other = [rank for rank, each in enumerate(values) if each != values[0]]
    if other:
        raise ValueError(
            f"processes disagree on {what}: that of rank {', '.join(map(str, other))} is not that of rank 0; "
            "all must be given the same"
        )


@contextmanager
def all_or_none(group: Any) -> Iterator[None]:
    """Raise on every process what one raises in this block: the error itself there, a sentence elsewhere."""
    error: Exception | None = None
    try:
        yield
    except Exception as raised:
        error = raised
    said: list[Any] = [None] * dist.get_world_size(group)
    dist.all_gather_object(said, None if error is None else f"{type(error).__name__}: {error}", group=group)
    if error is not None:
        raise error
    for rank, message in enumerate(said):
        if message is not None:
            raise RuntimeError(f"rank {rank} stopped with {message}")


@contextmanager
def contact(part: Part) -> Iterator[None]:
    """Say in a sentence that another process has stopped, or did not answer within the group's timeout."""
    try:
        yield
    except RuntimeError as error:
        raise RuntimeError(
            f"rank {part.rank} has lost another process, which stopped or did not answer in time; start again from the "
            f"last checkpoint ({error})"
        ) from error
