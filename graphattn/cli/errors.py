"""Errors on the command line: one sentence and an exit code instead of a traceback."""

import functools
import os
import shlex
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from graphattn.cli.interruption import TERMINATED, stoppable
from graphattn.cli.program import program

_P = ParamSpec("_P")
_R = TypeVar("_R")

USER_ERROR, FAULT = 2, 1


def reported(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """Turn the exceptions of a command into one sentence on standard error and an exit code.

    2: what was given cannot be used. 130: interrupted. 143: terminated by SIGTERM. 1: anything else, a fault of
    graphattn perhaps. With `GRAPHATTN_DEBUG` set, exceptions pass through with their traceback.
    """

    @functools.wraps(command)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with stoppable() as stopped:
            try:
                return command(*args, **kwargs)
            except (typer.Exit, typer.BadParameter):
                raise
            except KeyboardInterrupt:
                say(f"{'Terminated' if stopped.code == TERMINATED else 'Interrupted'}.{_how_to_go_on()}")
                raise typer.Exit(stopped.code) from None
            except BrokenPipeError:  # the reader of our output, such as head, has enough
                sys.stdout = None
                raise typer.Exit(0) from None
            except Exception as error:
                if os.environ.get("GRAPHATTN_DEBUG"):
                    raise
                if _is_users(error):
                    say(f"Error: {_sentence(error)}")
                    raise typer.Exit(USER_ERROR) from None
                name = type(error).__name__
                say(f"Error: {name}: {_sentence(error)} Set GRAPHATTN_DEBUG=1 to see where it happened.")
                raise typer.Exit(FAULT) from None

    return wrapper


def say(text: str) -> None:
    """Print a line on standard error."""
    typer.echo(text, err=True)


def _is_users(error: Exception) -> bool:
    from graphattn.datasets import DatasetError
    from graphattn.tasks.common.errors import InputError

    return isinstance(error, (InputError, DatasetError, OSError))


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    else:
        text = str(error).strip() or "no message"
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _how_to_go_on() -> str:
    arguments = [argument for argument in sys.argv[1:] if argument not in ("--resume", "--overwrite")]
    if arguments[:1] != ["train"]:
        return ""
    return f" To go on from the last whole epoch:\n  {shlex.join([program(), *arguments])} --resume"
