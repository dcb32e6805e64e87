"""JSON on standard output."""

from __future__ import annotations

import json
from typing import Any

import typer


def print_json(content: Any) -> None:
    """Print strict JSON: NaN and infinities become null."""
    from graphattn.files import finite

    typer.echo(json.dumps(finite(content), indent=2, ensure_ascii=False, allow_nan=False))
