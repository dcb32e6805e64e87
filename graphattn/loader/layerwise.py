"""The results of a deep model for every node of a graph too large for one pass: one layer at a time, exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from graphattn.loader.loaders import NeighborLoader
from graphattn.loader.on_disk import OnDiskGraph

Layer = Callable[[Tensor, Any], Tensor]


@torch.no_grad()
def infer_layerwise(
    layers: Sequence[Layer],
    data: Any,
    *,
    batch_size: int = 4096,
    device: torch.device | str = "cpu",
    **kwargs: Any,
) -> Tensor:
    """Compute each layer for all nodes before the next, some nodes with all their neighbors at a time.

    No neighbor is left out and none is computed twice, so that the result is that of the whole graph at a memory of the
    features of one layer and one batch (Hamilton et al. 2017, arXiv:1706.02216, as PyG's examples do it). Put the model
    into evaluation mode first.

    Args:
        layers: functions of the rows of a batch's nodes `[n, C]` and the batch (a PyG `Data`, with `edge_index` and
            attributes of its edges) to new rows `[n, C']`; activations included.
        data: a `Data` or an `OnDiskGraph`, with features `x`.
        batch_size: how many nodes are computed at a time.
        device: where layers run.
        **kwargs: for `torch.utils.data.DataLoader`, such as `num_workers`.

    Returns:
        The last layer's rows of all nodes, `[N, C']`, on the CPU.

    Example:
        >>> from torch_geometric.data import Data
        >>> from graphattn.nn import GATConv
        >>> data = Data(x=torch.randn(5, 3), edge_index=torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]]))
        >>> first, second = GATConv(3, 4), GATConv(4, 2)
        >>> layers = [lambda x, b: first(x, b.edge_index).relu(), lambda x, b: second(x, b.edge_index)]
        >>> infer_layerwise(layers, data, batch_size=2).shape
        torch.Size([5, 2])
    """
    x = data.data.x if isinstance(data, OnDiskGraph) else data.x
    loader = NeighborLoader(data, [-1], batch_size=batch_size, **kwargs)
    for layer in layers:
        rows = []
        for batch in loader:
            batch = batch.to(device)
            here = x[batch.n_id.cpu()].to(device)
            rows.append(layer(here, batch)[: batch.batch_size].cpu())
        x = torch.cat(rows)
    return x
