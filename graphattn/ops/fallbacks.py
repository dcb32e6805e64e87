"""What is done where a GPU has no room for a call: memory for its tensors, or shared memory for a kernel.

Only `backend="auto"` goes on, and not where a program is traced or a CUDA graph captured. Without memory, the fused
pass is tried once more after garbage is collected, then some destinations at a time, then the reference in the same
way; without shared memory the reference. What served is remembered for calls of the same sizes, and `explain_backend`
tells it.
"""

from __future__ import annotations

import gc
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch

from graphattn.ops import rows
from graphattn.ops.arguments import AttentionCall


class Way(NamedTuple):
    """How a call was served, and why not by the fused pass over all its edges at once."""

    backend: str
    in_rows: bool
    why: str


Serve = Callable[[AttentionCall, str, bool], Any]
"""Runs a call on a backend over edges, some destinations at a time or not."""

_ways: dict[tuple[Any, ...], Way] = {}  # by the sizes of a call
_said = False


def way_of(call: AttentionCall) -> Way | None:
    """How a call of these sizes was served that had no room; None where there was room so far."""
    return _ways.get(_sizes(call)) if _ways and not torch.compiler.is_compiling() else None


def attention(call: AttentionCall, serve: Serve, *, by_name: bool) -> Any:
    """Run a call that the kernels for GPUs cover.

    Raises:
        torch.OutOfMemoryError: there is no room, and the backend was asked for by name or nothing else helps.
        RuntimeError: the GPU has no room for one of the kernels, and the backend was asked for by name.
    """
    known = None if by_name else way_of(call)
    if torch.compiler.is_compiling():
        return serve(call, "triton", False)
    drawn = torch.get_rng_state() if call.dropout else None
    try:
        return serve(call, *known[:2]) if known else serve(call, "triton", False)
    except _errors() as error:  # what it holds must be freed, so this block is left before anything else is tried
        if _is_captured(call):
            raise
        kind, why = type(error), _words(error)
        if by_name:
            raise _error(kind, f'backend="triton" has no room for this call: {why}; "auto" may find a way') from error
    for backend, in_rows in _others(call, issubclass(kind, torch.OutOfMemoryError)):
        _free()
        if drawn is not None:
            torch.set_rng_state(drawn)  # the mask is that of the first attempt
        try:
            answer = serve(call, backend, in_rows)
        except _errors() as error:
            why = _words(error)
            continue
        if (backend, in_rows) != ("triton", False):
            _ways[_sizes(call)] = way = Way(backend, in_rows, why)
            _say_once(way)
        return answer
    raise torch.OutOfMemoryError(f"no backend has room for this call: {why}")


def _others(call: AttentionCall, of_memory: bool) -> Iterator[tuple[str, bool]]:
    """What to try, in this order."""
    in_rows = rows.possible(call)
    if of_memory:
        yield "triton", False
        if in_rows:
            yield "triton", True
    else:
        yield "reference", False
    if in_rows:
        yield "reference", True


def _errors() -> tuple[type[Exception], ...]:
    """What PyTorch raises without memory, and Triton without registers or shared memory."""
    errors = sys.modules.get("triton.runtime.errors")
    return (torch.OutOfMemoryError,) if errors is None else (torch.OutOfMemoryError, errors.OutOfResources)


def _error(kind: type[Exception], text: str) -> Exception:
    return (torch.OutOfMemoryError if issubclass(kind, torch.OutOfMemoryError) else RuntimeError)(text)


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _is_captured(call: AttentionCall) -> bool:
    return call.v.is_cuda and torch.cuda.is_current_stream_capturing()


def _free() -> None:
    """Give back what no one uses: garbage in cycles, and the allocator's blocks, which may be of the wrong size."""
    gc.collect()
    torch.cuda.empty_cache()


def _sizes(call: AttentionCall) -> tuple[Any, ...]:
    graph = call.graph
    shapes = tuple((name, tuple(tensor.shape)) for name, tensor in call.tensors.items())
    what = call.v.device, call.v.dtype, call.score.name, call.normalize, call.dropout > 0, call.needs_grad
    return (*what, call.return_weights, call.return_state, graph.num_dst, graph.num_src, graph.num_edges, shapes)


def _say_once(way: Way) -> None:
    global _said
    if _said:
        return
    _said = True
    where = "on the reference path" if way.backend == "reference" else "on the fused path"
    warnings.warn(
        f"the GPU has no room for this call of attention ({way.why}), so it and others of its sizes run {where}"
        f"{', some destinations at a time' if way.in_rows else ''}: slower, and with the same result up to rounding.",
        RuntimeWarning,
        stacklevel=6,
    )
