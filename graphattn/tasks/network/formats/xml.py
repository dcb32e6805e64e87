"""The elements of an XML file with the lines on which they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.common.opening import read_bytes


@dataclass
class Element:
    """An element: its name without namespace, its attributes, the elements and the text in it."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self, tag: str) -> Iterator[Element]:
        """The children of that name."""
        return (child for child in self.children if child.tag == tag)

    def anywhere(self, tag: str) -> Iterator[Element]:
        """The elements of that name below this one, at any depth, in their order."""
        for child in self.children:
            if child.tag == tag:
                yield child
            yield from child.anywhere(tag)


def read_xml(path: Path, root: str) -> Element:
    """Read a file whose outermost element is called `root`.

    Raises:
        TableError: it is no whole XML, defines entities (which may be a bomb), or holds something else.
    """
    data = read_bytes(path)
    top = Element("", {}, 0)
    stack = [top]
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        plain = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        element = Element(name.rpartition(" ")[2], plain, parser.CurrentLineNumber)
        stack[-1].children.append(element)
        stack.append(element)

    def end(name: str) -> None:
        stack.pop()

    def text(content: str) -> None:
        stack[-1].text += content

    def entity(*_: object) -> None:
        raise TableError(f"{path}, line {parser.CurrentLineNumber}: the file defines an entity, which no graph needs.")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.EntityDeclHandler = entity
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        message = expat.ErrorString(error.code)
        cut = "; the file ends in the middle" if stack[-1] is not top and error.lineno >= data.count(b"\n") else ""
        inside = f" inside <{stack[-1].tag}>" if stack[-1] is not top else ""
        raise TableError(f"{path}, line {error.lineno}{inside}: this is not XML ({message}){cut}.") from None
    if top.children[0].tag != root:
        raise TableError(f"{path}, line {top.children[0].line}: <{root}> is expected, got <{top.children[0].tag}>.")
    return top.children[0]
