"""Checks that a module is unmodified, so that a layer may read its parameters instead of calling it."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensor
from torch._subclasses.functional_tensor import FunctionalTensor
from torch.nn.modules import module as of_all
from torch.nn.parameter import UninitializedParameter

Module = TypeVar("Module", bound=nn.Module)

_forwards: dict[type, Any] = {kind: kind.forward for kind in (nn.Linear, nn.Embedding, nn.MultiheadAttention)}
_ORDINARY = {type(None), nn.Parameter, UninitializedParameter, Tensor, FakeTensor, FunctionalTensor}


def know(*kinds: type[nn.Module]) -> None:
    """Register classes whose modules `is_plain` may accept, as long as the classes keep their current `forward`."""
    for kind in kinds:
        _forwards[kind] = kind.forward


def known(kind: type[Module]) -> type[Module]:
    """Register one of our own classes; a decorator that calls `know`."""
    know(kind)
    return kind


def is_plain(module: Any, *kinds: type[nn.Module]) -> bool:
    """Whether calling `module` runs exactly the `forward` of one of these classes on the module's own parameters.

    False for a module that was changed in any way: another class (a subclass, a quantized or LoRA layer, a
    parametrization, a wrapper), a `forward` replaced in the class, and everything that `is_untouched` lists. A layer
    may read the parameters of a plain module, but must call any other module.

    Args:
        module: a module, or None, for which the result is False.
        kinds: classes registered with `know`; all registered classes when none is given.
    """
    module = _behind_proxy(module)
    kind = type(module)
    if kinds and kind not in kinds:
        return False
    forward = _forwards.get(kind)
    return forward is not None and kind.forward is forward and is_untouched(module)


def is_untouched(module: nn.Module) -> bool:
    """Whether this instance has no modification that takes effect when it is called.

    Modifications are: `forward` replaced on the instance (as offloading does), `module.compile()`, forward and backward
    hooks of any kind, on the module or on all modules, and parameters that are tensor subclasses (quantized or
    distributed tensors). Hooks on state dicts do not count, because a call does not run them.
    """
    own = module.__dict__
    if (
        "forward" in own
        or "_call_impl" in own
        or own.get("_compiled_call_impl") is not None
        or own["_forward_hooks"]
        or own["_forward_pre_hooks"]
        or own["_backward_hooks"]
        or own["_backward_pre_hooks"]
        or of_all._global_forward_hooks
        or of_all._global_forward_pre_hooks
        or of_all._global_backward_hooks
        or of_all._global_backward_pre_hooks
    ):
        return False
    for parameter in own["_parameters"].values():  # noqa: SIM110  # twice as fast as all() of a generator
        if type(parameter) not in _ORDINARY:
            return False
    return True


def _behind_proxy(module: Any) -> Any:
    """The module itself, where `torch.export` passes a proxy of an unknown class in its place."""
    if not torch.compiler.is_compiling():
        return module
    get_base = getattr(type(module), "get_base", None)
    return module if get_base is None else get_base(module)
