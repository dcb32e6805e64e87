"""PyG's attention layers in an existing model, exchanged for ours and back."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch_geometric.nn import MessagePassing

from graphattn.nn.pyg.registry import ours_for, theirs_for

Model = TypeVar("Model", bound=torch.nn.Module)

# What PyG works out from the class of a layer; the new layer has its own.
_OF_THE_CLASS = {"inspector", "fuse", "propagate", "_user_args", "_fused_user_args", "_edge_user_args", "_explain"}


def patch(model: Model) -> Model:
    """Exchange PyG's attention layers inside `model` for ours, in place.

    Parameters, buffers and inner modules stay the very same objects, so optimizers, hooks, names and state dicts stay
    valid. Classes derived from PyG's layers are left alone, for they may compute something else.

    Returns:
        `model` itself; a layer that is itself one of PyG's comes back exchanged.

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
    """Exchange our layers inside `model` for PyG's of the same names, in place: what `patch` did, undone.

    Returns:
        `model` itself; a layer that is itself one of ours comes back exchanged.
    """
    return _exchange(model, theirs_for)


def from_pyg_layer(layer: torch.nn.Module) -> torch.nn.Module:
    """Our layer with the parameters of one of PyG's: the same objects, not copies.

    Raises:
        TypeError: there is no such layer here.

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
    exchanged: dict[torch.nn.Module, torch.nn.Module] = {}  # a layer used in several places stays one layer
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
    """A layer of another class with all that `layer` has; the two share parameters, modules and hooks."""
    new = kind.__new__(kind)
    if not issubclass(kind, MessagePassing):
        new.__dict__.update(vars(layer))
        return new
    MessagePassing.__init__(new)
    new.__dict__.update({name: value for name, value in vars(layer).items() if name not in _OF_THE_CLASS})
    new.explain = layer.explain
    return new
