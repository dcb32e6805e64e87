"""GEXF, the format of Gephi."""

from __future__ import annotations

from pathlib import Path

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.network.formats.networkx import records_source, renamed
from graphattn.tasks.network.formats.xml import Element, read_xml
from graphattn.tasks.network.source import Source

_OWN = {"node": ("id", "label"), "edge": ("source", "target", "weight", "label", "kind")}


def read_gexf(path: Path) -> Source:
    """Read the nodes and edges of a GEXF file, with their attributes by title; what describes a drawing is left out.

    Raises:
        TableError: it is no whole GEXF, or an element lacks what it must have.
    """
    root = read_xml(path, "gexf")
    graph = next(root.all("graph"), None)
    if graph is None:
        raise TableError(f"{path}, line {root.line}: there is no <graph> in it.")
    directed = graph.attributes.get("defaultedgetype", "undirected") == "directed"
    records, lines = [], []
    for tag, needed in (("node", ("id",)), ("edge", ("source", "target"))):
        titles: dict[str, str] = {}
        defaults: dict[str, str] = {}
        for declared in graph.all("attributes"):
            if declared.attributes.get("class") == tag:
                for item in declared.all("attribute"):
                    titles[item.attributes.get("id", "")] = item.attributes.get("title", item.attributes.get("id", ""))
                    for default in item.all("default"):
                        defaults[item.attributes.get("id", "")] = default.text.strip()
        found = list(graph.anywhere(tag))
        records.append([_record(path, element, needed, titles, defaults) for element in found])
        lines.append([element.line for element in found])
    notes = []
    mixed = [
        edge
        for edge in graph.anywhere("edge")
        if edge.attributes.get("type", "directed" if directed else "undirected")
        not in (("directed", "mutual") if directed else ("undirected", "mutual"))
    ]
    if mixed:
        notes.append(
            f"{path}, line {mixed[0].line}: {len(mixed):,} edges say type={mixed[0].attributes['type']!r} unlike the "
            f"graph; all are taken as {'directed' if directed else 'undirected'}."
        )
    return records_source(str(path), *records, directed=directed, lines=(lines[0], lines[1]), notes=tuple(notes))


def _record(
    path: Path, element: Element, needed: tuple[str, ...], titles: dict[str, str], defaults: dict[str, str]
) -> dict[str, str]:
    for name in needed:
        if name not in element.attributes:
            raise TableError(f"{path}, line {element.line}: <{element.tag}> has no {name!r}.")
    own = {name: element.attributes[name] for name in _OWN[element.tag] if name in element.attributes}
    data = {titles[key]: value for key, value in defaults.items()}
    for value in (item for group in element.all("attvalues") for item in group.all("attvalue")):
        key = value.attributes.get("for", value.attributes.get("id", ""))
        if key not in titles:
            raise TableError(f"{path}, line {value.line}: no <attribute> is called {key!r}, as this <attvalue> says.")
        data[titles[key]] = value.attributes.get("value", "").strip()
    return own | renamed(data, tuple(own))
