"""Load a data set of sentences by name."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from graphattn.datasets.fetch import DatasetError, locate, unpacked
from graphattn.datasets.text_card import TextCard
from graphattn.datasets.text_catalog import TEXT_CARDS


class Sentence(NamedTuple):
    """Words, and their tags or the label of the whole."""

    words: list[str]
    labels: list[str]
    """one for each word where the task is tagging, one in all where it is classification"""


def load_text(name: str) -> dict[str, list[Sentence]]:
    """Load a data set of sentences by name, downloading it once.

    Args:
        name: one of `text_cards()`, upper or lower case. "ud_english_ewt": parts of speech; "trec": question types;
            "sst": sentiment.

    Returns:
        The sentences of each part of the published split, "train", "test" and, but for "trec", "valid".

    Raises:
        DatasetError: there is no data set of that name, it cannot be downloaded, or a file found is not the
            published one.
    """
    if name.lower() not in TEXT_CARDS:
        raise DatasetError(f"no data set of sentences is called {name!r}; there are {', '.join(TEXT_CARDS)}")
    card = TEXT_CARDS[name.lower()]
    read = _read_tags if card.task == "tagging" else _read_classes
    return {part: read(_text(locate(file))) for part, file in card.files.items()}


def text_cards() -> dict[str, TextCard]:
    """The card of each data set of sentences, by name."""
    return dict(TEXT_CARDS)


def _text(path: Path) -> str:
    content = unpacked(path)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _read_classes(text: str) -> list[Sentence]:
    """Lines `label word word ...`; of a label `kind:finer` the kind."""
    found = []
    for line in text.split("\n"):
        if line.strip():
            label, *words = filter(None, line.split(" "))  # a no-break space is part of a word
            found.append(Sentence(words, [label.partition(":")[0]]))
    return found


def _read_tags(text: str) -> list[Sentence]:
    """CoNLL-U: a line for each word, its second column the word and its fourth the tag; a blank line between."""
    found = []
    for block in text.split("\n\n"):
        rows = [line.split("\t") for line in block.split("\n") if line and not line.startswith("#")]
        rows = [row for row in rows if row[0].isdigit()]
        if rows:
            found.append(Sentence([row[1] for row in rows], [row[3] for row in rows]))
    return found
