"""The card of a data set of molecules: its origin, columns, units, counts and license."""

from dataclasses import dataclass

from graphattn.deprecation import warn_renamed


@dataclass(frozen=True)
class Card:
    """Facts about one data set of molecules; `print(card)` shows them."""

    name: str
    """what `load` takes"""
    title: str
    meaning: str
    """what the targets are, in words"""
    task: str
    """"regression" or "classification" (each target 0 or 1)"""
    unit: str
    """of the targets, "none" for a class or a pure number"""
    rows: int
    """lines of the table, unreadable SMILES included"""
    smiles_column: str
    target_columns: tuple[str, ...]
    split: str
    """the usual split, "random" or "scaffold", 80/10/10"""
    metric: str
    """the usual metric: "rmse", "mae" or "roc_auc" (several targets: their mean)"""
    remarks: str
    """what to look out for"""
    citation: str
    license: str
    file: str
    """name of the CSV file"""
    sha256: str
    """of the CSV file, unpacked"""
    url: str | None
    """where the CSV file is downloaded from; None: it comes with graphattn"""

    @property
    def licence(self) -> str:
        """The old name of `license`, deprecated."""
        warn_renamed("licence", "license")
        return self.license

    def __str__(self) -> str:
        targets = ", ".join(self.target_columns)
        return "\n".join(
            [
                f"{self.name}: {self.title}",
                f"  target    {self.meaning} ({self.task}, unit: {self.unit})",
                f"  columns   {self.smiles_column} -> {targets}",
                f"  rows      {self.rows:,}",
                f"  usual     {self.split} split 80/10/10, {self.metric}",
                f"  remarks   {self.remarks}",
                f"  citation  {self.citation}",
                f"  license   {self.license}",
            ]
        )
