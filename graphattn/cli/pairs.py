"""Names and values on the terminal."""

from collections.abc import Sequence

from rich.console import Console


def print_pairs(console: Console, pairs: Sequence[tuple[str, str]]) -> None:
    """Print names and values in two columns."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        console.print(f"{name:{width}}  {value}", markup=False, highlight=False, soft_wrap=True)
