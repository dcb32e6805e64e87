"""Loaders of sampled neighborhoods: PyTorch Geometric's, with graphattn's sampler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch_geometric.loader import LinkLoader, NodeLoader

from graphattn.loader.known import keep_order
from graphattn.loader.on_disk import OnDiskGraph
from graphattn.loader.sampler import NeighborSampler


class _Seeded:
    """A key in shared memory, drawn anew from PyTorch's generator for each pass over the data.

    Workers see it, so that `torch.manual_seed` decides what is sampled, whatever their number.
    """

    key: Tensor
    generator: torch.Generator | None

    def _draw_key(self) -> None:
        self.key.copy_(torch.randint(2**62, (1,), generator=self.generator))


class NeighborLoader(_Seeded, NodeLoader):
    r"""Mini-batches of seed nodes with their sampled neighborhoods, as PyTorch Geometric's `NeighborLoader` gives them.

    It needs neither pyg-lib nor torch-sparse, and takes the same arguments. What is sampled follows from
    `torch.manual_seed` alone, with any number of workers (with `persistent_workers` PyTorch itself shuffles differently
    from the second pass on). Layers find the compressed form of a batch's edges made
    already, so that they sort nothing in the forward pass.

    Args:
        data: a `Data`, a `HeteroData`, an `OnDiskGraph`, or a pair of a feature store and a graph store.
        num_neighbors: the number of neighbors in each hop, -1 for all; by edge type in a dictionary.
        input_nodes: the seed nodes, indices or a mask; all when None. Of a `HeteroData` a pair with the node type.
        input_time: the time of each seed, where sampling is bound in time.
        replace: sample with replacement.
        subgraph_type: "directional" (edges that were followed), "bidirectional" or "induced" (all edges between the
            nodes of the batch).
        disjoint: a neighborhood for each seed that shares no node with another's; `batch` tells them apart.
        temporal_strategy: "uniform" or "last".
        time_attr: the attribute with times of nodes or edges.
        weight_attr: the attribute with weights of edges to sample by.
        is_sorted: the edges are in order of destination already.
        transform: applied to each batch.
        transform_sampler_output: applied to what the sampler returns.
        filter_per_worker: fetch features in the workers; decided by where the features are when None.
        neighbor_sampler: another sampler to use.
        **kwargs: as for `torch.utils.data.DataLoader`: `batch_size`, `shuffle`, `num_workers`, ...

    Example:
        >>> from torch_geometric.data import Data
        >>> data = Data(x=torch.eye(4), edge_index=torch.tensor([[1, 2, 3, 0], [0, 0, 1, 3]]))
        >>> for batch in NeighborLoader(data, [-1], input_nodes=torch.tensor([0, 3]), batch_size=1):
        ...     print(batch.n_id.tolist(), batch.edge_index.tolist())
        [0, 1, 2] [[1, 2], [0, 0]]
        [3, 0] [[1], [0]]
    """

    def __init__(
        self,
        data: Any,
        num_neighbors: Any,
        input_nodes: Any = None,
        input_time: Tensor | None = None,
        replace: bool = False,
        subgraph_type: str = "directional",
        disjoint: bool = False,
        temporal_strategy: str = "uniform",
        time_attr: str | None = None,
        weight_attr: str | None = None,
        transform: Any = None,
        transform_sampler_output: Any = None,
        is_sorted: bool = False,
        filter_per_worker: bool | None = None,
        neighbor_sampler: Any = None,
        **kwargs: Any,
    ) -> None:
        compressed, data = _opened(data)
        self.key, self.generator = torch.zeros(1, dtype=torch.int64).share_memory_(), kwargs.get("generator")
        if neighbor_sampler is None:
            neighbor_sampler = NeighborSampler(
                data,
                num_neighbors,
                key=self.key,
                compressed=compressed,
                replace=replace,
                subgraph_type=subgraph_type,
                disjoint=disjoint,
                temporal_strategy=temporal_strategy,
                time_attr=time_attr,
                weight_attr=weight_attr,
                is_sorted=is_sorted,
                share_memory=kwargs.get("num_workers", 0) > 0,
            )
        super().__init__(
            data=data,
            node_sampler=neighbor_sampler,
            input_nodes=input_nodes,
            input_time=input_time,
            transform=transform,
            transform_sampler_output=transform_sampler_output,
            filter_per_worker=filter_per_worker,
            **kwargs,
        )

    def __iter__(self) -> Iterator[Any]:
        self._draw_key()
        iterator: Iterator[Any] = super().__iter__()
        return iterator

    def filter_fn(self, out: Any) -> Any:
        """Fetch the features of a sample, and keep with its edges that they are in order of destination."""
        return keep_order(super().filter_fn(out))


class LinkNeighborLoader(_Seeded, LinkLoader):
    r"""Mini-batches of links with the sampled neighborhoods of their ends, as PyTorch Geometric's `LinkNeighborLoader`.

    It needs neither pyg-lib nor torch-sparse; see `NeighborLoader` for what is different and for the arguments that
    both have.

    Args:
        data: a `Data`, a `HeteroData`, an `OnDiskGraph`, or a pair of a feature store and a graph store.
        num_neighbors: the number of neighbors in each hop, -1 for all.
        edge_label_index: the links, `[2, L]`; all edges when None. Of a `HeteroData` a pair with the edge type.
        edge_label: their labels.
        edge_label_time: their times.
        neg_sampling: a `NegativeSampling` of PyG, or a dictionary of its arguments.
        neg_sampling_ratio: negative links for each positive one; older form of `neg_sampling`.
        **kwargs: those of `NeighborLoader` and of `torch.utils.data.DataLoader`.
    """

    def __init__(
        self,
        data: Any,
        num_neighbors: Any,
        edge_label_index: Any = None,
        edge_label: Tensor | None = None,
        edge_label_time: Tensor | None = None,
        replace: bool = False,
        subgraph_type: str = "directional",
        disjoint: bool = False,
        temporal_strategy: str = "uniform",
        neg_sampling: Any = None,
        neg_sampling_ratio: float | None = None,
        time_attr: str | None = None,
        weight_attr: str | None = None,
        transform: Any = None,
        transform_sampler_output: Any = None,
        is_sorted: bool = False,
        filter_per_worker: bool | None = None,
        neighbor_sampler: Any = None,
        **kwargs: Any,
    ) -> None:
        if (edge_label_time is not None) != (time_attr is not None):
            raise ValueError("edge_label_time and time_attr go together: give both or neither")
        compressed, data = _opened(data)
        self.key, self.generator = torch.zeros(1, dtype=torch.int64).share_memory_(), kwargs.get("generator")
        if neighbor_sampler is None:
            neighbor_sampler = NeighborSampler(
                data,
                num_neighbors,
                key=self.key,
                compressed=compressed,
                replace=replace,
                subgraph_type=subgraph_type,
                disjoint=disjoint,
                temporal_strategy=temporal_strategy,
                time_attr=time_attr,
                weight_attr=weight_attr,
                is_sorted=is_sorted,
                share_memory=kwargs.get("num_workers", 0) > 0,
            )
        super().__init__(
            data=data,
            link_sampler=neighbor_sampler,
            edge_label_index=edge_label_index,
            edge_label=edge_label,
            edge_label_time=edge_label_time,
            neg_sampling=neg_sampling,
            neg_sampling_ratio=neg_sampling_ratio,
            transform=transform,
            transform_sampler_output=transform_sampler_output,
            filter_per_worker=filter_per_worker,
            **kwargs,
        )

    def __iter__(self) -> Iterator[Any]:
        self._draw_key()
        iterator: Iterator[Any] = super().__iter__()
        return iterator

    def filter_fn(self, out: Any) -> Any:
        """Fetch the features of a sample, and keep with its edges that they are in order of destination."""
        return keep_order(super().filter_fn(out))


def _opened(data: Any) -> tuple[Any, Any]:
    """The compressed edges, where they are known, and the data."""
    if not isinstance(data, OnDiskGraph):
        return None, data
    return tuple(torch.from_numpy(each) for each in (data.colptr, data.row, data.edge_id)), data.data
