"""Which backend runs a call: ordered plain ifs, used for choosing and for explaining alike."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

from graphattn.ops import dense, fused, reference
from graphattn.ops.call import AttentionCall
from graphattn.ops.state import State

BACKENDS = ("dense", "numba", "triton", "block", "reference")  # in the order "auto" tries them
_MAKES = {
    "dense": "scaled_dot_product_attention, made for complete graphs",
    "numba": "fused passes over the edges on the CPU, nothing of size E·H·D kept",
    "triton": "fused passes over the edges on the GPU, nothing of size E·H·D kept",
    "reference": "plain torch, which serves every call and forms tensors of E·H·D numbers",
}


@dataclass(frozen=True)
class Explanation:
    """Which backend a call runs on, why, and why not on those before it."""

    backend: str
    reason: str
    rejected: dict[str, str]

    def __str__(self) -> str:
        lines = [f"backend: {self.backend} ({self.reason})"]
        lines += [f"  not {name}: {why}" for name, why in self.rejected.items()]
        return "\n".join(lines)


def explain(call: AttentionCall, backend: str = "auto") -> Explanation:
    """The choice for one call.

    Raises:
        ValueError: no backend has that name, or the one asked for cannot serve this call; the message says why.
    """
    if backend == "auto":
        rejected: dict[str, str] = {}
        for name in BACKENDS:
            why_not = _refusal(name, call)
            if why_not is None:
                return Explanation(name, _MAKES[name], rejected)
            rejected[name] = why_not
    if backend not in BACKENDS:
        raise ValueError(f'backend is "auto" or one of {", ".join(BACKENDS)}; got {backend!r}')
    why_not = _refusal(backend, call)
    if why_not is not None:
        raise ValueError(f"backend={backend!r} cannot run this call: {why_not}")
    return Explanation(backend, "asked for by name", {})


def run(call: AttentionCall, backend: str) -> Tensor | tuple[Tensor, Tensor] | State:
    """Choose and run."""
    device = call.v.device.type
    if torch.is_autocast_enabled(
        device
    ):  # the products inside add up in float32 at least, whatever the layers around do
        with torch.autocast(device, enabled=False):
            return run(call, backend)
    chosen = explain(call, backend)
    if _numba_problem and chosen.rejected.get("numba") == _numba_problem:
        _say_once(_numba_problem)
    if _triton_problem and chosen.rejected.get("triton") == _triton_problem:
        _say_once(_triton_problem, "GPU", "triton")
    if chosen.backend == "dense":
        return dense.attention(call)
    if chosen.backend in ("numba", "triton"):
        return fused.attention(call)
    return reference.attention(call)


_numba_problem: str | None = None  # why the CPU kernels could not be loaded; "" once they are
_triton_problem: str | None = None  # the same for the GPU kernels
_TRITON_DEVICES = ("cuda",)  # which is also how PyTorch names AMD's GPUs
_TRITON_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_said = False


def _refusal(backend: str, call: AttentionCall) -> str | None:
    """Why a backend cannot serve a call, or None if it can."""
    if backend == "reference":
        return None
    if backend == "dense":
        return dense.refusal(call)
    if backend == "numba":
        if call.v.device.type != "cpu":
            return f"the tensors are on {call.v.device.type}, not on the CPU"
        return fused.refusal(call) or _load_numba()
    if backend == "triton":
        if call.v.device.type not in _TRITON_DEVICES:
            return f"the tensors are on {call.v.device.type}, not on a GPU"
        if call.v.dtype not in _TRITON_DTYPES:
            return f"the tensors are {call.v.dtype}"
        return fused.refusal(call) or _load_triton()
    return "there is no such kernel in this version"


def _load_numba() -> str | None:
    """Register the CPU kernels at the first call that they cover; say why where that cannot be done.

    Not done on import, for Numba takes longer to load than the rest of the library.
    """
    global _numba_problem
    if _numba_problem is None:
        try:
            import graphattn.ops.numba.attend  # noqa: F401

            _numba_problem = ""
        except ModuleNotFoundError as error:
            _numba_problem = f"{'Numba' if error.name == 'numba' else error.name} is not installed"
        except (ImportError, OSError) as error:
            _numba_problem = f"Numba cannot be loaded ({error})"
    return _numba_problem or None


def _load_triton() -> str | None:
    """Register the GPU kernels at the first call that they cover; say why where that cannot be done."""
    global _triton_problem
    if _triton_problem is None:
        try:
            import triton

            if tuple(map(int, triton.__version__.split(".")[:2])) < (3, 5):
                _triton_problem = f"Triton {triton.__version__} is older than 3.5"
                return _triton_problem
            import graphattn.ops.triton.attend  # noqa: F401

            _triton_problem = ""
        except ModuleNotFoundError as error:
            _triton_problem = f"{'Triton' if error.name == 'triton' else error.name} is not installed"
        except (ImportError, OSError) as error:
            _triton_problem = f"Triton cannot be loaded ({error})"
    return _triton_problem or None


def _say_once(problem: str, device: str = "CPU", package: str = "numba") -> None:
    global _said
    if _said:
        return
    _said = True
    warnings.warn(
        f"{problem}, so attention on the {device} runs on the reference path, which is slower and needs memory for "
        f"every edge. `pip install {package}` brings the fused kernels.",
        RuntimeWarning,
        stacklevel=4,
    )
