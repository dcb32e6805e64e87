"""Replacement of PyG's attention layers in an existing model, and back."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch_geometric.nn import MessagePassing

from graphattn.nn.pyg.registry import ours_for, theirs_for

Model = TypeVar("Model", bound=torch.nn.Module)

# Attributes that PyG derives from the class of a layer; the new layer has its own.
_OF_THE_CLASS = {"inspector", "fuse", "propagate", "_user_args", "_fused_user_args", "_edge_user_args", "_explain"}


def patch(model: Model) -> Model:
    """Replace PyG's attention layers inside `model` by ours, in place.

    Parameters, buffers and submodules remain the same objects, so optimizers, hooks, names and state dicts stay valid.
    Subclasses of PyG's layers are not replaced, because they may compute something else.

    Returns:
        `model` itself; if `model` is one of PyG's layers, its replacement.

    Example:
        >>> import torch, graphattn as ga
        >>> from torch_geometric.nn import GAT
        >>> model = GAT(5, 8, num_layers=2, heads=2)
        >>> type(ga.patch(model).convs[0]).__module__
        'graphattn.nn.pyg.conv.gat'
        >>> type(ga.unpatch(model).convs[0]).__module__
        'torch_geometric.nn.conv.gat_conv'
    """
    return _exchange(model, ours_for)


def unpatch(model: Model) -> Model:
    """Replace our layers inside `model` by PyG's of the same names, in place; undoes `patch`.

    Returns:
        `model` itself; if `model` is one of our layers, its replacement.
    """
    return _exchange(model, theirs_for)


def from_pyg_layer(layer: torch.nn.Module) -> torch.nn.Module:
    """Convert one layer of PyG to ours, sharing its parameters (the same objects, not copies).

    Raises:
        TypeError: there is no equivalent layer.

    Example:
        >>> import torch_geometric, graphattn as ga
        >>> theirs = torch_geometric.nn.GATConv(5, 7, heads=3)
        >>> ours = ga.nn.from_pyg_layer(theirs)
        >>> ours, ours.lin is theirs.lin
        (GATConv(5, 7, heads=3), True)
    """
    kind = ours_for(type(layer))
    if kind is None:
        raise TypeError(f"there is no layer here for {type(layer).__module__}.{type(layer).__qualname__}")
    return _as(kind, layer)


def _exchange(model: Any, kind_for: Callable[[type], type | None]) -> Any:
    exchanged: dict[torch.nn.Module, torch.nn.Module] = {}  # a layer that is used in several places remains shared
    for module in list(model.modules()):
        kind = kind_for(type(module))
        if kind is not None:
            exchanged[module] = _as(kind, module)
    for module in [*model.modules(), *exchanged.values()]:
        for name, child in module._modules.items():
            if child in exchanged:
                module._modules[name] = exchanged[child]
    return exchanged.get(model, model)


def _as(kind: Any, layer: torch.nn.Module) -> torch.nn.Module:
    """A layer of another class with the attributes of `layer`; both share parameters, submodules and hooks."""
    new = kind.__new__(kind)
    if not issubclass(kind, MessagePassing):
        new.__dict__.update(vars(layer))
        return new
    MessagePassing.__init__(new)
    new.__dict__.update({name: value for name, value in vars(layer).items() if name not in _OF_THE_CLASS})
    new.explain = layer.explain
    return new
