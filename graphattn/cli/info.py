"""`graphattn info`: what a model directory holds, or what is installed."""

from pathlib import Path
from typing import Annotated

import typer

from graphattn.cli.errors import reported


@reported
def info(
    model: Annotated[
        Path | None, typer.Argument(help="Directory that graphattn train wrote.", show_default=False)
    ] = None,
) -> None:
    """Describe a model directory; without one, the installation."""
    from rich.console import Console

    console = Console()
    if model is None:
        from graphattn.cli.installation import installation_summary

        installation_summary(console)
        return
    from graphattn.cli.summary import info_summary
    from graphattn.tasks.molecule.predictor import MoleculePredictor

    info_summary(console, MoleculePredictor.load(model), model)
