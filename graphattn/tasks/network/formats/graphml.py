"""GraphML."""

from __future__ import annotations

from pathlib import Path

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.network.formats.networkx import records_source, renamed
from graphattn.tasks.network.formats.xml import Element, read_xml
from graphattn.tasks.network.source import Source


def read_graphml(path: Path) -> Source:
    """Read the nodes and edges of a GraphML file, with their data by name and the defaults of the keys.

    Data that hold further elements, as yEd's drawings do, are left out and said; so are hyperedges. Nodes of a graph
    inside a node are nodes like others.

    Raises:
        TableError: it is no whole GraphML, or an element lacks what it must have.
    """
    root = read_xml(path, "graphml")
    graph = next(root.all("graph"), None)
    if graph is None:
        raise TableError(f"{path}, line {root.line}: there is no <graph> in it.")
    keys = {key.attributes.get("id", ""): key for key in root.all("key")}
    notes = _left_out(path, root, graph)
    nested: dict[str, str] = {}
    records, lines = [], []
    for tag, needed in (("node", ("id",)), ("edge", ("source", "target"))):
        found = list(graph.anywhere(tag))
        defaults = {
            _name(key): default.text.strip()
            for key in keys.values()
            if key.attributes.get("for", "all") in (tag, "all")
            for default in key.all("default")
            if not default.children
        }
        records.append([_record(path, element, needed, keys, defaults, nested) for element in found])
        lines.append([element.line for element in found])
    directed = graph.attributes.get("edgedefault", "undirected") == "directed"
    mixed = [
        e
        for e in graph.anywhere("edge")
        if e.attributes.get("directed", str(directed)).lower() != str(directed).lower()
    ]
    if mixed:
        notes.append(
            f"{path}, line {mixed[0].line}: {len(mixed):,} edges say directed={mixed[0].attributes['directed']!r} "
            f"unlike the graph; all are taken as {'directed' if directed else 'undirected'}."
        )
    notes += nested.values()
    return records_source(str(path), *records, directed=directed, lines=(lines[0], lines[1]), notes=tuple(notes))


def _record(
    path: Path,
    element: Element,
    needed: tuple[str, ...],
    keys: dict[str, Element],
    defaults: dict[str, str],
    nested: dict[str, str],
) -> dict[str, str]:
    """Attributes of one node or edge."""
    own = {}
    for name in needed:
        if name not in element.attributes:
            raise TableError(f"{path}, line {element.line}: <{element.tag}> has no {name!r}.")
        own[name] = element.attributes[name]
    data = dict(defaults)
    for item in element.all("data"):
        key = keys.get(item.attributes.get("key", ""))
        if key is None:
            raise TableError(
                f"{path}, line {item.line}: no <key> is called {item.attributes.get('key')!r}, as this <data> says."
            )
        if item.children:
            nested.setdefault(
                _name(key),
                f"{path}, line {item.line}: the attribute {_name(key)!r} holds further elements "
                f"(<{item.children[0].tag}>) and is left out.",
            )
        else:
            data[_name(key)] = item.text.strip()
    return own | renamed(data, needed)


def _name(key: Element) -> str:
    return key.attributes.get("attr.name") or key.attributes.get("id", "")


def _left_out(path: Path, root: Element, graph: Element) -> list[str]:
    """Say what a graph of nodes and edges has no place for."""
    notes = []
    others = [other for other in root.all("graph") if other is not graph]
    if others:
        notes.append(f"{path}, line {others[0].line}: the file holds {len(others) + 1} graphs; the first is read.")
    for tag, what in (
        ("hyperedge", "joins more than two nodes and is left out"),
        ("graph", "is a graph inside a node; its nodes are taken as nodes like others"),
    ):
        found = list(graph.anywhere(tag))
        if found:
            notes.append(f"{path}, line {found[0].line}: <{tag}> {what} ({len(found):,} in all).")
    return notes
