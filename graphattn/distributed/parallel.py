"""Training PyTorch Geometric's models on a graph that is spread over processes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from graphattn.distributed.exchange import halo
from graphattn.distributed.part import Part

Model = TypeVar("Model", bound=nn.Module)


def parallelize(model: Model, part: Part) -> Model:
    """Let the message-passing layers of a model run on this process's part of a graph.

    Each layer is given its nodes' rows, gets those of the others that its nodes attend to, and computes its nodes'
    results. The model's parameters, and their names, stay as they are: a `state_dict` is the same on any number of
    processes. Their gradients are to be added up, by `all_reduce_gradients`, before each step.

        part = ga.distributed.partition(graph)
        model = ga.distributed.parallelize(GAT(...), part)
        out = model(part.shard(x), part.graph.edge_index)
        ga.distributed.mean(F.cross_entropy(out, part.shard(y), reduction="none"), part).backward()
        ga.distributed.all_reduce_gradients(model, part)

    Args:
        model: a module whose message-passing layers (PyG's or those of `graphattn.nn`) take `(x, edge_index, ...)`
            with one tensor `x` of nodes. Arguments per edge are those of the part (`part.shard_edges`).
        part: this process's part. Layers act on its edges, whatever `edge_index` they are given.

    Returns:
        The same model.

    Raises:
        ValueError: the model has no message-passing layer, or sources and destinations are two sets.
    """
    from torch_geometric.nn import MessagePassing

    if part.num_src != part.num_dst:
        raise ValueError("a model of one kind of nodes needs a graph whose sources and destinations are one set")
    layers = [module for module in model.modules() if isinstance(module, MessagePassing)]
    if not layers:
        raise ValueError(f"{type(model).__name__} has no message-passing layer to run on several processes")

    def with_halo(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        args, kwargs = list(args), dict(kwargs)  # type: ignore[assignment]
        x = args[0] if args else kwargs["x"]
        both = torch.cat([x, halo(x, part)]), x
        if args:
            args[0] = both  # type: ignore[index]
        else:
            kwargs["x"] = both
        if len(args) > 1:
            args[1] = part.graph.edge_index  # type: ignore[index]
        else:
            kwargs["edge_index"] = part.graph.edge_index
        return tuple(args), kwargs

    for layer in layers:
        layer.register_forward_pre_hook(with_halo, with_kwargs=True)
    return model


def mean(values: Tensor, part: Part) -> Tensor:
    """Share of this process in the mean over all processes' values: its sum over the number of all.

    Added up over the processes, it and its gradients are those of the mean. A process without values has share 0.

    Args:
        values: any number of values, in the first dimension.
        part: this process's part.
    """
    count = torch.tensor([values.shape[0]], dtype=torch.float64, device=values.device)
    dist.all_reduce(count, group=part.group)
    return values.sum(0) / count.clamp(min=1).to(values.dtype).squeeze(0)


def all_reduce_gradients(model: nn.Module | Iterable[Tensor], part: Part) -> None:
    """Add up the gradients of all processes, for each parameter; one without a gradient counts as zero.

    Args:
        model: a module, or parameters.
        part: this process's part.
    """
    parameters = list(model.parameters()) if isinstance(model, nn.Module) else list(model)
    for parameter in parameters:
        if parameter.requires_grad:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            dist.all_reduce(parameter.grad, group=part.group)
