"""The file of tiles that were measured to be best, which outlives the process."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import triton

from graphattn.folders import user_cache

_FORMAT = 1  # one more whenever the kernels change so much that what was measured says nothing about them


def path() -> Path | None:
    """`$GRAPHATTN_TILES`, none where that is empty; without that variable `triton/tiles.json` in the user's cache."""
    own = os.environ.get("GRAPHATTN_TILES")
    if own is None:
        return user_cache() / "triton" / "tiles.json"
    return Path(own).expanduser() if own else None


def load() -> list[tuple[list, list]]:
    """What `save` wrote, pairs of a key and a tile; nothing if it is damaged, of another version or another Triton."""
    file = path()
    with suppress(OSError, ValueError, KeyError, TypeError):
        content = {} if file is None else json.loads(file.read_text(encoding="utf-8"))
        if content["version"] == _version():
            return [(list(key), list(tile)) for key, tile in content["tiles"]]
    return []


def save(tiles: list[tuple[tuple, tuple]]) -> None:
    """Write pairs of a key and a tile, all or nothing; a folder that cannot be written is no error."""
    file = path()
    if file is None:
        return
    lines = ",\n".join(json.dumps([key, tile]) for key, tile in tiles)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(
            f'{{"version": {json.dumps(_version())},\n"tiles": [\n{lines}\n]}}\n', encoding="utf-8"
        )  # fmt: skip
        temporary.replace(file)


def _version() -> list[object]:
    return [_FORMAT, triton.__version__]
