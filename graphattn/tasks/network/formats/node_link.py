"""JSON as NetworkX and D3 write it: lists of nodes and of links."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.opening import read_bytes
from graphattn.tasks.common.text_encoding import decode
from graphattn.tasks.network.formats.networkx import records_source, renamed
from graphattn.tasks.network.source import Source

_LINKS = ("links", "edges")


def read_node_link(path: Path) -> Source:
    """Read `{"nodes": [{"id": …}], "links": [{"source": …, "target": …}]}`; "edges" is as good as "links".

    Attributes that hold further objects are left out, and said.

    Raises:
        TableError: it is no whole JSON, or has no such lists.
    """
    text = decode(read_bytes(path), str(path))
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        cut = "; the file ends in the middle" if error.pos >= len(text.rstrip()) - 1 else ""
        raise TableError(
            f"{path}, line {error.lineno}, character {error.colno}: this is not JSON ({error.msg}){cut}."
        ) from None
    links = next((key for key in _LINKS if isinstance(content, dict) and key in content), None)
    if links is None or not isinstance(content.get("nodes"), list) or not isinstance(content[links], list):
        raise TableError(
            f"{path}: lists of 'nodes' and of 'links' are expected, as networkx.node_link_data writes them."
        )
    notes: list[str] = []
    nodes = _records(path, "nodes", content["nodes"], ("id",), notes)
    edges = _records(path, links, content[links], ("source", "target"), notes)
    return records_source(str(path), nodes, edges, directed=bool(content.get("directed", False)), notes=tuple(notes))


def _records(
    path: Path, what: str, items: list[Any], needed: tuple[str, ...], notes: list[str]
) -> list[dict[str, Any]]:
    nested: dict[str, int] = {}
    records = []
    for at, item in enumerate(items):
        if not isinstance(item, dict):
            raise TableError(
                f"{path} ({what}), row {at}: an object with {' and '.join(map(repr, needed))} is expected, "
                f"got {item!r}."
            )
        own = {key: item.get(key) for key in needed}
        for key, value in own.items():
            if isinstance(value, (dict, list)):
                raise TableError(f"{path} ({what}), row {at}: {key!r} must be an id, got {type(value).__name__}.")
        kept = {}
        for key, value in item.items():
            if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value)):
                nested.setdefault(key, at)
            elif key not in needed:
                kept[key] = value
        records.append(own | renamed(kept, needed))
    for key, at in nested.items():
        notes.append(f"{path} ({what}), row {at}: the attribute {key!r} holds further objects and is left out.")
        for record in records:
            record.pop(key, None)
    return records
