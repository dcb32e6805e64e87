"""What is known about a network with labeled nodes before it is opened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkCard:
    """Facts about one network; `print(card)` shows them."""

    name: str
    """what `load_network` takes"""
    title: str
    target: str
    """name of the label"""
    meaning: str
    """what the label is, in words"""
    classes: tuple[str, ...]
    """their names where they are published, else their numbers as text"""
    nodes: int
    edges: int
    """undirected, each counted once, without copies and self-loops"""
    features: int
    metric: str
    """the usual one, "accuracy" or "roc_auc" """
    splits: dict[str, int]
    """how many parts of each published kind there are, the usual kind first; empty where none is published"""
    remarks: str
    """what to look out for"""
    citation: str
    license: str

    def __str__(self) -> str:
        splits = ", ".join(f"{name} ({count})" for name, count in self.splits.items()) or "none published"
        return "\n".join(
            [
                f"{self.name}: {self.title}",
                f"  target    {self.target}: {self.meaning} ({', '.join(self.classes)})",
                f"  size      {self.nodes:,} nodes, {self.edges:,} undirected edges, {self.features:,} features",
                f"  usual     {self.metric}; splits: {splits}",
                f"  remarks   {self.remarks}",
                f"  citation  {self.citation}",
                f"  license   {self.license}",
            ]
        )
