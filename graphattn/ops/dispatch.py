"""Which backend runs a call: ordered plain ifs, used for choosing and for explaining alike."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

from graphattn.graph.torch_modes import is_transformed
from graphattn.ops import fallbacks, lowering, rows
from graphattn.ops.arguments import AttentionCall
from graphattn.ops.block import backend as block
from graphattn.ops.composite import backend as parts
from graphattn.ops.cost import cost
from graphattn.ops.dense import backend as dense
from graphattn.ops.linear import backend as linear
from graphattn.ops.precision import under_autocast
from graphattn.ops.reference import backend as reference
from graphattn.ops.state import State

BACKENDS = ("dense", "block", "linear", "parts", "numba", "triton", "reference")  # in the order "auto" tries them
_MAKES = {
    "linear": "sums over the keys made once for all queries, at a cost linear in the nodes",
    "parts": "each part of the graph on its own path",
    "numba": "fused passes over the edges on the CPU, nothing of size E·H·D kept",
    "triton": "fused passes over the edges on the GPU, nothing of size E·H·D kept",
    "reference": "plain torch, which serves every call and forms tensors of E·H·D numbers",
}


@dataclass(frozen=True)
class Choice:
    """Which backend a call runs on, why, and why not on those before it."""

    backend: str
    reason: str
    rejected: dict[str, str]


@dataclass(frozen=True)
class Explanation(Choice):
    """A choice, and what its forward pass costs.

    `flops` counts the additions and multiplications of scores and weighted sums; `bytes` what is read and written:
    inputs and output once, and what the path copies, gathers or reads of the graph beside them.
    """

    flops: int
    bytes: int

    def __str__(self) -> str:
        lines = [f"backend: {self.backend} ({self.reason})"]
        lines += [f"  forward: {self.flops:,} floating-point operations, {self.bytes:,} bytes read and written"]
        lines += [f"  not {name}: {why}" for name, why in self.rejected.items()]
        return "\n".join(lines)


def explain(call: AttentionCall, backend: str = "auto") -> Explanation:
    """The choice for one call, and its cost.

    Raises:
        ValueError: as `choose` would.
    """
    chosen = choose(call, backend)
    flops, moved = cost(call, chosen.backend, lambda inner: explain(inner))
    return Explanation(chosen.backend, chosen.reason, chosen.rejected, flops, moved)


_watchers: list[list[Explanation]] = []


@contextmanager
def explain_calls() -> Iterator[list[Explanation]]:
    """Tell of each call of the operator inside a `with` block, in layers and models too, which backend ran it and why.

    Returns:
        A list, which fills up with what `explain_backend` would say of each call, in their order. It stays empty where
        a layer sends messages instead (`layer.sends_messages` says so), and where a compiled program runs.

    Example:
        >>> import torch, graphattn as ga
        >>> layer = ga.nn.MultiheadAttention(16, num_heads=4, normalize="sparsemax")
        >>> with ga.explain_calls() as calls:
        ...     _ = layer(torch.randn(5, 16), ga.window(5, radius=1))
        >>> [call.backend for call in calls], calls[0].rejected["numba"]
        (['reference'], 'normalize="sparsemax" is not fused')
    """
    found: list[Explanation] = []
    _watchers.append(found)
    try:
        yield found
    finally:
        _watchers[:] = [each for each in _watchers if each is not found]


def choose(call: AttentionCall, backend: str = "auto") -> Choice:
    """The choice for one call.

    Raises:
        ValueError: no backend has that name, or the one asked for cannot serve this call; the message says why.
    """
    if backend == "auto":
        rejected: dict[str, str] = {}
        for name in BACKENDS:
            why_not = _refusal(name, call) or _waste(name, call)
            if why_not is None and name == "triton" and (way := fallbacks.way_of(call)) is not None:
                why_not = f"the GPU had no room for a call of these sizes: {way.why}"
                if way.backend == "triton":
                    return Choice(name, f"{_MAKES[name]}, some destinations at a time, for {why_not}", rejected)
            if why_not is None:
                path = {"dense": dense.path, "block": block.path}.get(name)
                return Choice(name, _MAKES[name] if path is None else path(call), rejected)
            rejected[name] = why_not
    if backend not in BACKENDS:
        raise ValueError(f'backend is "auto" or one of {", ".join(BACKENDS)}; got {backend!r}')
    why_not = _refusal(backend, call)
    if why_not is not None:
        raise ValueError(f"backend={backend!r} cannot run this call: {why_not}")
    return Choice(backend, "asked for by name", {})


def run(call: AttentionCall, backend: str) -> Tensor | tuple[Tensor, Tensor] | State:
    """Choose and run."""
    if under_autocast(call.v):  # the products inside add up in float32 at least, whatever the layers do
        with torch.autocast(call.v.device.type, enabled=False):
            return run(call, backend)
    chosen = choose(call, backend)
    if _watchers and not torch.compiler.is_compiling():
        for found in _watchers:
            found.append(explain(call, backend))
    for name, problem in _problems.items():
        if chosen.rejected.get(name) == problem:
            _say_once(problem, "CPU" if name == "numba" else "GPU", name)
    if chosen.backend == "dense":
        return dense.attention(call)
    if chosen.backend == "block":
        return block.attention(call)
    if chosen.backend == "linear":
        return linear.attention(call, lambda inner: run(inner, "auto"))  # type: ignore[arg-type, return-value]
    if chosen.backend == "parts":
        return parts.attention(call, lambda inner: run(inner, "auto"))
    if chosen.backend == "triton" or (backend == "auto" and fallbacks.way_of(call) is not None):
        return fallbacks.attention(call, _over_edges, by_name=backend != "auto")
    return _over_edges(call, chosen.backend)


def _over_edges(call: AttentionCall, backend: str, in_rows: bool = False) -> Tensor | tuple[Tensor, Tensor] | State:
    over_edges: Any = reference.attention
    if backend in ("numba", "triton"):
        over_edges = partial(lowering.attention, project=backend == "numba")
    if in_rows or rows.needed(call, backend):
        if call.dropout:  # the fused kernels number weights from the first edge of the graph that they are given
            return rows.attention(call, reference.attention, "reference")
        return rows.attention(call, over_edges, backend)
    return over_edges(call)


_TRITON_DEVICES = ("cuda",)  # which is also how PyTorch names AMD's GPUs
_TRITON_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_problems: dict[str, str] = {}  # why the kernels of a backend could not be loaded
_said = False


def _refusal(backend: str, call: AttentionCall) -> str | None:
    """Why a backend cannot serve a call, or None if it can."""
    if backend == "reference":
        return None
    if backend == "dense":
        return dense.refusal(call)
    if backend != "linear" and is_transformed():
        return "torch.func, forward-mode differentiation and torch.jit.trace see operations of PyTorch's own alone"
    if backend == "block":
        if isinstance(call.v, FakeTensor):
            return "the tensors are fake, and its tiles are found by looking at numbers"
        return block.refusal(call)
    if backend == "linear":
        return linear.refusal(call)
    if backend == "parts":
        return parts.refusal(call)
    if backend == "numba":
        if call.v.device.type != "cpu":
            return f"the tensors are on {call.v.device.type}, not on the CPU"
        return lowering.refusal(call) or _load("numba")
    if call.v.device.type not in _TRITON_DEVICES:
        return f"the tensors are on {call.v.device.type}, not on a GPU"
    if call.v.dtype not in _TRITON_DTYPES:
        return f"the tensors are {call.v.dtype}"
    return lowering.refusal(call) or _load("triton")


def _waste(backend: str, call: AttentionCall) -> str | None:
    """Why a backend that could serve a call would take longer than a fused pass over the edges, or None."""
    if backend not in ("dense", "block", "parts") or _refusal("numba", call) is not None:
        return None
    if backend == "parts":
        return parts.waste(call, lambda inner: choose(inner).backend)
    return dense.waste(call) if backend == "dense" else block.waste(call)


def _load(backend: str) -> str | None:
    """Register the kernels of "numba" or "triton" at the first call that they cover; say why where that cannot be done.

    Not done on import, for Numba takes longer to load than the rest of the library.
    """
    if backend not in _problems:
        try:
            import_module(f"graphattn.ops.{backend}.attend")
        except ModuleNotFoundError as error:
            missing = backend.capitalize() if error.name == backend else error.name
            _problems[backend] = f"{missing} is not installed"
        except Exception as error:  # an installation can be broken in any way
            _problems[backend] = f"{backend.capitalize()} cannot be loaded ({error})"
    return _problems.get(backend)


# What torch.compiler.assume_constant_result would set, without loading the compiler. A compiled caller then loads the
# kernels while it is traced, rather than find them loaded at its first run and be traced again.
_load._dynamo_marked_constant = True  # type: ignore[attr-defined]


def _say_once(problem: str, device: str, package: str) -> None:
    global _said
    if _said:
        return
    _said = True
    cure = f" `pip install {package}` brings the fused kernels." if "is not installed" in problem else ""
    warnings.warn(
        f"{problem}, so attention on the {device} runs on the reference path, which is slower and needs memory for "
        f"every edge.{cure}",
        RuntimeWarning,
        stacklevel=4,
    )
