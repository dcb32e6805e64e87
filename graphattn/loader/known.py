"""What is known of a sample's edges, kept for the layers that it is given to."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch_geometric.data import HeteroData

from graphattn.graph.cache import remember_sorted


def keep_order(batch: Any) -> Any:
    """Keep the compressed forms of the edges in a batch that are in order of destination, as a sampler leaves them."""
    if isinstance(batch, HeteroData):
        for store in batch.edge_stores:
            source, _, destination = store._key
            _keep(store.get("edge_index"), batch[destination].num_nodes, batch[source].num_nodes)
    else:
        _keep(batch.edge_index, batch.num_nodes, batch.num_nodes)
    return batch


def _keep(edge_index: Tensor | None, num_dst: int, num_src: int) -> None:
    if edge_index is None or edge_index.device.type != "cpu":
        return
    destinations = edge_index[1]
    if bool((destinations[1:] >= destinations[:-1]).all()):
        remember_sorted(edge_index, num_dst, num_src)
