"""Write files atomically: under a temporary name first, then renamed, so that nobody sees half a file."""

import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it to `path`.

    A process that is killed meanwhile leaves the previous file, or none. A failed write leaves no temporary file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically; line ends are written as they are."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically."""
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


@contextmanager
def growing(path: Path, *, append: bool = False) -> Iterator[TextIO]:
    """Open a UTF-8 text file that is written in steps; it takes its final name when the block ends.

    Until then it is called `<stem>.partial<suffix>`. A program that is stopped leaves this partial file, and the
    previous file at `path` as it was. With `append` the text goes behind what such a file holds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_name(path)
    with partial.open("a" if append else "w", encoding="utf-8", newline="") as file:
        yield file
    partial.replace(path)


def partial_name(path: Path) -> Path:
    """Return the name that a file has until all of it is written."""
    return path.with_name(f"{path.stem}.partial{path.suffix}")


def write_json(path: Path, content: Any) -> None:
    """Write strict JSON atomically: NaN and infinities become null."""
    write_text(path, json.dumps(finite(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def finite(content: Any) -> Any:
    """Return plain values with None in place of NaN and infinities, as strict JSON has it."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {key: finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [finite(value) for value in content]
    return content
