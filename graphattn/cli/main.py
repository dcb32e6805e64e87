"""The command line: a thin face over the library; each command imports what it needs when it runs."""

import os
import sys
from typing import Annotated

import typer

from graphattn.cli.bench import bench
from graphattn.cli.compare import compare
from graphattn.cli.doctor import doctor, warmup
from graphattn.cli.evaluate import evaluate
from graphattn.cli.explain import explain
from graphattn.cli.fingerprint import fingerprint
from graphattn.cli.info import info
from graphattn.cli.interruption import INTERRUPTED, TERMINATED
from graphattn.cli.label import app as label
from graphattn.cli.predict import predict
from graphattn.cli.scale import app as scale
from graphattn.cli.serve import serve
from graphattn.cli.train import train
from graphattn.cli.tune import tune

app = typer.Typer(
    name="graphattn",
    help="Graph attention: train a property predictor on a CSV file of SMILES and use it, or label a network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(train)
app.command()(predict)
app.command()(explain)
app.command()(serve)
app.command()(fingerprint)
app.command()(evaluate)
app.command()(compare)
app.command()(tune)
app.add_typer(label, name="label")
app.add_typer(scale, name="scale")
app.command()(info)
app.command()(doctor)
app.command()(warmup)
app.command()(bench)


def _version(wanted: bool) -> None:
    if wanted:
        from graphattn.version import __version__

        typer.echo(f"graphattn {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def main() -> None:
    """Run the command line.

    A program that was stopped ends at once: it does not wait for threads, nor for libraries to tidy up.
    """
    try:
        app()
    except SystemExit as end:
        if end.code not in (INTERRUPTED, TERMINATED):
            raise
        sys.stderr.flush()
        os._exit(end.code)
