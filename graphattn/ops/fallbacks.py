"""Fallbacks when a call does not fit on the GPU, and calls with too many edges to make at once.

Both give a backend some destinations at a time: a *chunk*. Of a large complete, causal or bipartite graph the edges,
one for each pair of nodes, are never in memory at once: each chunk is a graph of its own, made, used and freed; the
backward pass makes it again. Other graphs have their edges, but what a backend makes for each of them is in memory for
one chunk only.

A GPU may lack memory for the tensors of a call, or shared memory for a kernel. `_attempts` lists what is then tried.
Only `backend="auto"` goes on, and not where a program is traced or a CUDA graph captured. The attempt that succeeds is
remembered for calls of the same sizes, and `explain_backend` reports it.
"""

from __future__ import annotations

import gc
import sys
import warnings
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from graphattn.graph import Bipartite, Causal, Complete, Graph, bipartite
from graphattn.ops.arguments import AttentionCall, DropoutNumbers
from graphattn.ops.backend import Answer, Attend, Backend
from graphattn.ops.custom_score import Custom
from graphattn.ops.random import new_seed
from graphattn.ops.reference.backend import REFERENCE
from graphattn.ops.scores import Cosine
from graphattn.ops.state import State

BUDGET = 2**28  # bytes that a backend may make for the edges of a chunk

CHUNKS = 8  # at least so many, of about as many edges, of a graph that has its edges


class Attempt(NamedTuple):
    """One way to run a call."""

    backend: Backend
    chunked: bool
    """Some destinations at a time."""
    why: str = ""
    """What went wrong before it."""

    def run(self, call: AttentionCall, attend: Attend) -> Any:
        """Run a call in this way."""
        if self.chunked or needs_chunks(call, self.backend):
            return run_in_chunks(call, self.backend, attend)
        return self.backend.run(call, attend)


_known_attempts: dict[tuple[Any, ...], Attempt] = {}  # by the sizes of a call that did not fit
_warned = False


def known_attempt(call: AttentionCall) -> Attempt | None:
    """How an earlier call of these sizes succeeded that did not fit at first; None if there was none."""
    return _known_attempts.get(_sizes(call)) if _known_attempts and not torch.compiler.is_compiling() else None


def run(call: AttentionCall, backend: Backend, attend: Attend, *, by_name: bool) -> Answer:
    """Run a call on a backend that reads the list of edges, or in another way if the GPU has no room for that.

    Raises:
        torch.OutOfMemoryError: there is no room, and the backend was asked for by name or nothing else helps.
        RuntimeError: the GPU has no room for one of the kernels, and the backend was asked for by name.
    """
    known = None if by_name else known_attempt(call)
    first = known or Attempt(backend, chunked=False)
    if torch.compiler.is_compiling() or (known is None and not backend.falls_back):
        return first.run(call, attend)
    random_state = torch.get_rng_state() if call.dropout else None
    try:
        return first.run(call, attend)
    except _errors() as error:  # what it holds must be freed, so this block is left before anything else is tried
        if _is_captured(call):
            raise
        kind, why = type(error), _words(error)
        if by_name:
            text = f'backend="{backend.name}" has no room for this call: {why}; "auto" may find a way'
            raise _error(kind, text) from error
    for attempt in _attempts(call, backend, out_of_memory=issubclass(kind, torch.OutOfMemoryError)):
        _free()
        if random_state is not None:
            torch.set_rng_state(random_state)  # the mask is that of the first attempt
        try:
            answer = attempt.run(call, attend)
        except _errors() as error:
            why = _words(error)
            continue
        if attempt != Attempt(backend, chunked=False):
            _known_attempts[_sizes(call)] = known = attempt._replace(why=why)
            _warn_once(known)
        return answer
    raise torch.OutOfMemoryError(f"no backend has room for this call: {why}")


def _attempts(call: AttentionCall, backend: Backend, *, out_of_memory: bool) -> list[Attempt]:
    """What to try after the backend has failed for want of memory, or else of shared memory, in this order."""
    if out_of_memory:
        attempts = [
            Attempt(backend, chunked=False),  # once more, now that garbage is collected
            Attempt(backend, chunked=True),
            Attempt(REFERENCE, chunked=True),
        ]
    else:
        attempts = [
            Attempt(REFERENCE, chunked=False),
            Attempt(REFERENCE, chunked=True),
        ]
    return [attempt for attempt in attempts if not attempt.chunked or can_chunk(call)]


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
    """Free what no one uses: garbage in cycles, and the allocator's blocks, which may be of the wrong size."""
    gc.collect()
    torch.cuda.empty_cache()


def _sizes(call: AttentionCall) -> tuple[Any, ...]:
    graph = call.graph
    shapes = tuple((name, tuple(tensor.shape)) for name, tensor in call.tensors.items())
    what = call.v.device, call.v.dtype, call.score.name, call.normalize, call.dropout > 0, call.needs_grad
    return (*what, call.return_weights, call.return_state, graph.num_dst, graph.num_src, graph.num_edges, shapes)


def _warn_once(attempt: Attempt) -> None:
    global _warned
    if _warned:
        return
    _warned = True
    where = "on the reference path" if attempt.backend is REFERENCE else "on the fused path"
    warnings.warn(
        f"the GPU has no room for this call of attention ({attempt.why}), so it and others of its sizes run {where}"
        f"{', some destinations at a time' if attempt.chunked else ''}: slower, and with the same result up to "
        "rounding.",
        RuntimeWarning,
        stacklevel=6,  # that of the caller of `attention`
    )


def needs_chunks(call: AttentionCall, backend: Backend) -> bool:
    """Whether what a backend makes for the edges of a graph that need not have them is too much to make at once."""
    if not isinstance(call.graph, Complete | Causal | Bipartite) or not _is_row_by_row(call):
        return False
    return call.graph.num_edges * _bytes_per_edge(call, backend) > BUDGET


def can_chunk(call: AttentionCall) -> bool:
    """Whether the chunks of a call on any graph, on any backend, give what the whole gives: not the mask of dropout."""
    return not call.dropout and _is_row_by_row(call)


def run_in_chunks(call: AttentionCall, backend: Backend, attend: Attend) -> Tensor | State:
    """Run one call on a backend, some destinations at a time."""
    if call.dropout:
        backend = REFERENCE  # the kernels number weights from the first edge of the graph that they are given
        call = replace(call, dropout_numbers=DropoutNumbers(new_seed(call.v.device), 0))
    answers = []
    for chunk in _chunks(call, _bytes_per_edge(call, backend)):
        if call.needs_grad:
            answers.append(
                checkpoint(_run_chunk, call, chunk, backend, attend, use_reentrant=False, preserve_rng_state=False)
            )
        else:
            answers.append(_run_chunk(call, chunk, backend, attend))
    if call.return_state:
        return State(*(torch.cat(each) for each in zip(*answers, strict=True)))
    return torch.cat(answers)


def _is_row_by_row(call: AttentionCall) -> bool:
    """Whether the answer is that of its destinations, one after another: not where there are weights of edges."""
    beta = call.score.beta if isinstance(call.score, Cosine) else None
    beta_per_edge = isinstance(beta, Tensor) and beta.ndim > 1
    is_numbered = isinstance(call.score, Custom) and call.score.is_numbered
    return call.graph.num_dst > 0 and not (call.return_weights or beta_per_edge or is_numbered)


def _bytes_per_edge(call: AttentionCall, backend: Backend) -> int:
    assert backend.bytes_per_edge is not None
    return backend.bytes_per_edge(call)


class _Chunk(NamedTuple):
    """Some destinations, the sources they see, and their edges."""

    dst: slice
    src: slice
    edges: slice


def _chunks(call: AttentionCall, bytes_per_edge: int) -> Iterator[_Chunk]:
    graph = call.graph
    if not isinstance(graph, Complete | Causal | Bipartite):
        yield from _chunks_of_edges(graph, bytes_per_edge)
        return
    firsts = accumulate(zip(graph.dst_sizes, graph.src_sizes, strict=True), _after, initial=(0, 0))
    edge = 0
    for num_dst, num_src, (dst, src) in zip(graph.dst_sizes, graph.src_sizes, firsts, strict=False):
        at_once = max(1, BUDGET // (bytes_per_edge * max(num_src, 1)))
        for first in range(0, num_dst, at_once):
            last = min(first + at_once, num_dst)
            seen, count = num_src, (last - first) * num_src
            if isinstance(graph, Causal):
                seen, count = last, (last - first) * (first + last + 1) // 2
            yield _Chunk(slice(dst + first, dst + last), slice(src, src + seen), slice(edge, edge + count))
            edge += count


def _chunks_of_edges(graph: Graph, bytes_per_edge: int) -> Iterator[_Chunk]:
    """The chunks of a graph that has its edges; theirs are numbered by destination."""
    most = min(BUDGET // bytes_per_edge, -(-graph.num_edges // CHUNKS))
    starts = graph.csr.indptr.tolist()
    first = 0
    while first < graph.num_dst:
        last = max(first + 1, bisect_right(starts, starts[first] + most) - 1)
        yield _Chunk(slice(first, last), slice(0, graph.num_src), slice(starts[first], starts[last]))
        first = last


def _after(first: tuple[int, int], sizes: tuple[int, int]) -> tuple[int, int]:
    return first[0] + sizes[0], first[1] + sizes[1]


def _run_chunk(call: AttentionCall, chunk: _Chunk, backend: Backend, attend: Attend) -> Any:
    return backend.run(_part(call, chunk), attend)


def _part(call: AttentionCall, chunk: _Chunk) -> AttentionCall:
    """The call on the graph of a chunk."""
    dst, src, edges = chunk
    num_dst, num_src = dst.stop - dst.start, src.stop - src.start
    if not isinstance(call.graph, Complete | Causal | Bipartite):
        _, indices, perm = call.graph.csr
        nodes, count = torch.arange(num_dst, device=call.graph.device), edges.stop - edges.start
        rows = nodes.repeat_interleave(call.graph.in_degree[dst], output_size=count)
        graph = Graph(torch.stack([indices[edges].long(), rows]), num_dst=num_dst, num_src=num_src)
        return call.part(graph, dst, src, edges if perm is None else perm[edges].long())
    if isinstance(call.graph, Causal):
        pairs = torch.tril_indices(num_dst, num_src, num_src - num_dst, device=call.graph.device)
        graph = Graph(pairs.flip(0), num_dst=num_dst, num_src=num_src)
    else:
        graph = bipartite(num_dst, num_src, device=call.graph.device)
    part = call.part(graph, dst, src, edges)
    if call.dropout_numbers is None:
        return part
    return replace(part, dropout_numbers=call.dropout_numbers._replace(first_edge=edges.start))
