"""Blocks of HTML that reports are built from."""

from collections.abc import Sequence
from html import escape


def card(svg: str, note: str) -> str:
    """Return a figure in a frame, with a note below it."""
    return f'<figure class="card">{svg}<p class="note">{escape(note)}</p></figure>'


def row(tag: str, cells: Sequence[str]) -> str:
    """Return a row of a table; `tag` is "th" or "td", and the cells are HTML."""
    return f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in cells)}</tr>"


def definitions(pairs: Sequence[tuple[str, str]], kind: str = "") -> str:
    """Return names and values in two columns."""
    attribute = f' class="{kind}"' if kind else ""
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs)
    return f"<dl{attribute}>{items}</dl>"
