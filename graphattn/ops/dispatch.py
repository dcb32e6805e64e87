"""Which backend runs a call: ordered plain ifs, used for choosing and for explaining alike."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

from graphattn.ops import block, dense, fused, linear, parts, reference, rows
from graphattn.ops.call import AttentionCall
from graphattn.ops.cost import cost
from graphattn.ops.state import State

BACKENDS = ("dense", "block", "linear", "parts", "numba", "triton", "reference")  # in the order "auto" tries them
_MAKES = {
    "dense": "scaled_dot_product_attention, made for complete graphs",
    "block": "windows and grids as tiles of pairs that mostly see one another",
    "linear": "sums over the keys made once for all queries, at a cost linear in the nodes",
    "parts": "each part of the graph on its own path",
    "numba": "fused passes over the edges on the CPU, nothing of size E·H·D kept",
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


def choose(call: AttentionCall, backend: str = "auto") -> Choice:
    """The choice for one call.

    Raises:
        ValueError: no backend has that name, or the one asked for cannot serve this call; the message says why.
    """
    if backend == "auto":
        rejected: dict[str, str] = {}
        for name in BACKENDS:
            why_not = _refusal(name, call) or _waste(name, call)
            if why_not is None:
                return Choice(name, _MAKES[name], rejected)
            rejected[name] = why_not
    if backend not in BACKENDS:
        raise ValueError(f'backend is "auto" or one of {", ".join(BACKENDS)}; got {backend!r}')
    why_not = _refusal(backend, call)
    if why_not is not None:
        raise ValueError(f"backend={backend!r} cannot run this call: {why_not}")
    return Choice(backend, "asked for by name", {})


def run(call: AttentionCall, backend: str) -> Tensor | tuple[Tensor, Tensor] | State:
    """Choose and run."""
    device = call.v.device.type
    if torch.is_autocast_enabled(
        device
    ):  # the products inside add up in float32 at least, whatever the layers around do
        with torch.autocast(device, enabled=False):
            return run(call, backend)
    chosen = choose(call, backend)
    if _numba_problem and chosen.rejected.get("numba") == _numba_problem:
        _say_once(_numba_problem)
    if chosen.backend == "dense":
        return dense.attention(call)
    if chosen.backend == "block":
        return block.attention(call)
    if chosen.backend == "linear":
        return linear.attention(call, lambda inner: run(inner, "auto"))  # type: ignore[arg-type, return-value]
    if chosen.backend == "parts":
        return parts.attention(call, lambda inner: run(inner, "auto"))
    over_edges = fused.attention if chosen.backend == "numba" else reference.attention
    if rows.needed(call, chosen.backend):
        return rows.attention(call, over_edges, chosen.backend)
    return over_edges(call)


_numba_loaded = False
_numba_problem: str | None = None  # why the CPU kernels could not be loaded
_said = False


def _refusal(backend: str, call: AttentionCall) -> str | None:
    """Why a backend cannot serve a call, or None if it can."""
    if backend == "reference":
        return None
    if backend == "dense":
        return dense.refusal(call)
    if backend == "block":
        return block.refusal(call)
    if backend == "linear":
        return linear.refusal(call)
    if backend == "parts":
        return parts.refusal(call)
    if backend == "numba":
        if call.v.device.type != "cpu":
            return f"the tensors are on {call.v.device.type}, not on the CPU"
        return fused.refusal(call) or _load_numba()
    return "there is no such kernel in this version"


def _waste(backend: str, call: AttentionCall) -> str | None:
    """Why a backend that could serve a call would take longer than a fused pass over the edges, or None."""
    module = {"dense": dense, "block": block, "parts": parts}.get(backend)
    why_not = None if module is None else module.waste(call)
    return why_not if why_not is not None and _refusal("numba", call) is None else None


def _load_numba() -> str | None:
    """Register the CPU kernels at the first call that they cover; say why where that cannot be done.

    Not done on import, for Numba takes longer to load than the rest of the library.
    """
    global _numba_loaded, _numba_problem
    if not _numba_loaded and _numba_problem is None:
        try:
            import graphattn.ops.numba.attend  # noqa: F401

            _numba_loaded = True
        except ModuleNotFoundError as error:
            _numba_problem = f"{'Numba' if error.name == 'numba' else error.name} is not installed"
        except (ImportError, OSError) as error:
            _numba_problem = f"Numba cannot be loaded ({error})"
    return _numba_problem


# What torch.compiler.assume_constant_result would set, without loading the compiler. A compiled caller then loads the
# kernels while it is traced, rather than find them loaded at its first run and be traced again.
_load_numba._dynamo_marked_constant = True  # type: ignore[attr-defined]


def _say_once(problem: str) -> None:
    global _said
    if _said:
        return
    _said = True
    warnings.warn(
        f"{problem}, so attention on the CPU runs on the reference path, which is slower and needs memory for every "
        "edge. `pip install numba` brings the fused kernels.",
        RuntimeWarning,
        stacklevel=4,
    )
