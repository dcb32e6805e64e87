"""Which backend runs a call: the first that can, in the order of a tuple."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch

from graphattn.ops import fallbacks
from graphattn.ops.arguments import AttentionCall
from graphattn.ops.backend import Answer, Backend
from graphattn.ops.block.backend import BLOCK
from graphattn.ops.composite.backend import COMPOSITE
from graphattn.ops.dense.backend import DENSE
from graphattn.ops.linear.backend import LINEAR
from graphattn.ops.loading import warn_of_missing_kernels
from graphattn.ops.numba.backend import NUMBA
from graphattn.ops.precision import under_autocast
from graphattn.ops.reference.backend import REFERENCE
from graphattn.ops.triton.backend import TRITON

BACKENDS = (DENSE, BLOCK, LINEAR, COMPOSITE, NUMBA, TRITON, REFERENCE)  # in the order "auto" tries them

observers: list[Callable[[AttentionCall, str], None]] = []
"""Functions called with each call that runs, and with the `backend` asked for; not in a compiled program."""


class Choice(NamedTuple):
    """Which backend a call runs on, why, and why not on those before it."""

    backend: Backend
    reason: str
    rejected: dict[str, str]


def choose(call: AttentionCall, backend: str = "auto") -> Choice:
    """The choice for one call.

    Raises:
        ValueError: no backend has that name, or the one asked for cannot run this call; the message says why.
    """
    return _first_that_serves(call) if backend == "auto" else _by_name(call, backend)


def run(call: AttentionCall, backend: str = "auto") -> Answer:
    """Choose and run."""
    if under_autocast(call.v):  # the products inside add up in float32 at least, whatever the layers do
        with torch.autocast(call.v.device.type, enabled=False):
            return run(call, backend)
    choice = choose(call, backend)
    if observers and not torch.compiler.is_compiling():
        for observe in observers:
            observe(call, backend)
    warn_of_missing_kernels(choice.rejected)
    if choice.backend.bytes_per_edge is None:
        return choice.backend.run(call, run)
    return fallbacks.run(call, choice.backend, run, by_name=backend != "auto")


def _first_that_serves(call: AttentionCall) -> Choice:
    rejected: dict[str, str] = {}
    for backend in BACKENDS:
        why_not = backend.refusal(call) or _slower_because(backend, call)
        if why_not is None and backend.falls_back and (known := fallbacks.known_attempt(call)) is not None:
            why_not = f"the GPU had no room for a call of these sizes: {known.why}"
            if known.backend is backend:
                return Choice(backend, f"{backend.summary}, some destinations at a time, for {why_not}", rejected)
        if why_not is None:
            return Choice(backend, backend.describe(call) if backend.describe else backend.summary, rejected)
        rejected[backend.name] = why_not
    raise AssertionError("the reference runs every call")


def _by_name(call: AttentionCall, name: str) -> Choice:
    for backend in BACKENDS:
        if backend.name == name:
            why_not = backend.refusal(call)
            if why_not is not None:
                raise ValueError(f"backend={name!r} cannot run this call: {why_not}")
            return Choice(backend, "asked for by name", {})
    raise ValueError(f'backend is "auto" or one of {", ".join(each.name for each in BACKENDS)}; got {name!r}')


def _slower_because(backend: Backend, call: AttentionCall) -> str | None:
    """Why a backend that can run a call would take longer than a fused pass over the edges on the CPU, or None."""
    if backend.slower_because is None or NUMBA.refusal(call) is not None:
        return None
    return backend.slower_because(call, _backend_of)


def _backend_of(call: AttentionCall) -> Backend:
    return choose(call).backend
