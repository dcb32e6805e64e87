"""A web page and a JSON API over a trained predictor.

Nothing of a request is run, written or logged: SMILES are read by RDKit within the limits of `featurize_many`.
"""

from __future__ import annotations

import asyncio
import base64
import math
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.middleware.trustedhost import TrustedHostMiddleware

from graphattn.tasks.common.html import style
from graphattn.tasks.molecule.explain import Explainer, Explanation
from graphattn.tasks.molecule.predictor import MoleculePredictor

MOST_MOLECULES, MOST_EXPLAINED, LONGEST = 100, 20, 2000
MOST_BYTES = 2**18
_LOCAL = ("127.0.0.1", "localhost", "::1", "[::1]")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Question(BaseModel):
    """What a request asks for."""

    model_config = ConfigDict(extra="forbid")
    smiles: list[str] = Field(min_length=1, max_length=MOST_MOLECULES)
    explain: bool = False


def make_app(run: Path, *, host: str = "127.0.0.1", waiting: int = 2000) -> FastAPI:
    """The application that serves the model in a directory.

    Args:
        run: what `graphattn train` wrote.
        host: the address it will listen at; on a loopback address, requests for other hosts are refused.
        waiting: how many requests may wait for their turn; further ones are told to come back (503).

    Raises:
        ModelDirectoryError: the directory holds no model.
    """
    predictor = MoleculePredictor.load(run)
    turn = _Turns(waiting)
    app = FastAPI(title="graphattn", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*_LOCAL, "testserver"] if host in _LOCAL else ["*"])

    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        size = request.headers.get("content-length", "")
        if request.method == "POST" and not (size.isdecimal() and int(size) <= MOST_BYTES):
            answer: Response = _sentence(413, f"a request may have {MOST_BYTES} bytes, and says how many it has.")
        else:
            answer = await call_next(request)
        answer.headers.update(_HEADERS)
        return answer

    @app.exception_handler(RequestValidationError)
    async def unclear(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"][1:])) or "the request"
        return _sentence(422, f'{where}: {first["msg"]}; expected {{"smiles": [...], "explain": false}}.')

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        return _sentence(error.status_code, str(error.detail))

    @app.get("/", response_class=HTMLResponse)
    async def page() -> str:
        text = (files("graphattn.tasks.molecule") / "server.html").read_text(encoding="utf-8")
        return text.replace("/* style */", style())

    @app.get("/app.js")
    async def script() -> Response:
        text = (files("graphattn.tasks.molecule") / "server.js").read_text(encoding="utf-8")
        return Response(text, media_type="text/javascript")

    @app.get("/api/model")
    async def model() -> dict[str, Any]:
        fitted = predictor.require_fitted()
        return {
            "task": fitted.task,
            "targets": fitted.target_columns,
            "unit": fitted.data.get("unit"),
            "columns": predictor.output_columns(),
            "networks": len(fitted.weights),
            "limits": {"molecules": MOST_MOLECULES, "explained": MOST_EXPLAINED, "characters": LONGEST},
        }

    @app.post("/api/predict")
    async def predict(question: Question) -> dict[str, Any]:
        if question.explain and len(question.smiles) > MOST_EXPLAINED:
            raise HTTPException(422, f"at most {MOST_EXPLAINED} molecules can be explained in a request.")
        async with turn:
            return {"molecules": await run_in_threadpool(_answer, predictor, question)}

    return app


class _Turns:
    """One request at a time is computed, for PyTorch uses all cores for each; some may wait."""

    def __init__(self, waiting: int) -> None:
        self._most, self._here, self._lock = waiting, 0, asyncio.Lock()

    async def __aenter__(self) -> None:
        if self._here > self._most:
            raise HTTPException(503, "too many requests are waiting; try again in a moment.")
        self._here += 1
        try:
            await self._lock.acquire()
        except BaseException:
            self._here -= 1
            raise

    async def __aexit__(self, *_: object) -> None:
        self._here -= 1
        self._lock.release()


def _sentence(status: int, text: str) -> JSONResponse:
    return JSONResponse({"error": text}, status_code=status, headers={"Retry-After": "5"} if status == 503 else None)


def _answer(predictor: MoleculePredictor, question: Question) -> list[dict[str, Any]]:
    """The predictions, and pictures of what they rest on where asked for."""
    texts = [text.strip() for text in question.smiles]
    short = [text if len(text) <= LONGEST else "" for text in texts]
    table = predictor.predict(short)
    columns = predictor.output_columns()
    pictures: list[Explanation | str] = [""] * len(texts)
    if question.explain:
        pictures = list(Explainer(predictor).each(short))
    found = []
    for row, text in enumerate(texts):
        reason = table["reason"].iloc[row]
        if len(text) > LONGEST:
            reason = f"a SMILES may have {LONGEST} characters, this has {len(text)}"
        picture = pictures[row]
        found.append(
            {
                "smiles": text[:LONGEST],
                "reason": reason or None,
                "values": {name: _json(table[name].iloc[row]) for name in columns},
                "picture": _as_url(picture.svg()) if isinstance(picture, Explanation) else None,
            }
        )
    return found


def _json(value: Any) -> Any:
    """A cell of a table as JSON: null for what is missing."""
    if isinstance(value, str):
        return value or None
    number = float(value)
    return number if math.isfinite(number) else None


def _as_url(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
