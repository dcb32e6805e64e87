"""`graphattn serve`: a trained model as a web page and a JSON API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphattn.cli.errors import reported, say


@reported
def serve(
    model: Annotated[Path, typer.Argument(help="Directory that graphattn train wrote.", show_default=False)],
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all of this machine's.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 for a free one.", min=0, max=65535)] = 8000,
) -> None:
    """Serve a model to a browser and to programs: paste SMILES, see predictions and what they rest on.

    GET / is the page. POST /api/predict takes {"smiles": ["CCO"], "explain": false} and answers with the columns that
    graphattn predict writes, and a reason where there is no prediction. A request has at most a hundred molecules; one
    at a time is computed. Nothing of a request is kept. Needs pip install "graphattn[serve]".

    Example: graphattn serve runs/logS
    """
    from graphattn.tasks.common.errors import InputError, SettingsError

    try:
        import uvicorn

        from graphattn.tasks.molecule.server import make_app
    except ModuleNotFoundError as error:
        if error.name not in ("fastapi", "uvicorn", "starlette", "pydantic"):
            raise
        raise InputError(f'serve needs {error.name}: pip install "graphattn[serve]"') from None
    app = make_app(model, host=host)
    server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="warning", access_log=False))
    say(f"serving {model} at http://{host}:{port}/ (Ctrl-C ends it)")
    try:
        server.run()
    except SystemExit:
        raise SettingsError(f"port {port} of {host} cannot be listened at; choose another --port.") from None
