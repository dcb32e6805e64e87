"""The card of a data set of sentences: its origin, labels, counts and license."""

from __future__ import annotations

from dataclasses import dataclass

from graphattn.datasets.data_file import DataFile
from graphattn.deprecation import warn_renamed


@dataclass(frozen=True)
class TextFile(DataFile):
    """A part of a data set of sentences."""

    sentences: int


@dataclass(frozen=True)
class TextCard:
    """Facts about one data set of sentences; `print(card)` shows them."""

    name: str
    """what `load_text` takes"""
    title: str
    meaning: str
    """what the labels are, in words"""
    task: str
    """"tagging" (a label for each word) or "classification" (one for each sentence)"""
    labels: tuple[str, ...]
    metric: str
    remarks: str
    """what to look out for"""
    citation: str
    license: str
    files: dict[str, TextFile]
    """of each part of the published split: "train", perhaps "valid", "test" """

    @property
    def licence(self) -> str:
        """The old name of `license`, deprecated."""
        warn_renamed("licence", "license")
        return self.license

    def __str__(self) -> str:
        counts = ", ".join(f"{part} {file.sentences:,}" for part, file in self.files.items())
        return "\n".join(
            [
                f"{self.name}: {self.title}",
                f"  labels    {self.meaning} ({self.task}): {', '.join(self.labels)}",
                f"  sentences {counts}",
                f"  usual     {self.metric}",
                f"  remarks   {self.remarks}",
                f"  citation  {self.citation}",
                f"  license   {self.license}",
            ]
        )
