"""Mini-batches of clusters of nodes with all edges between them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from graphattn.graph.graph import Graph
from graphattn.graph.owners import balanced, check_given, metis


class ClusterLoader(DataLoader[Any]):
    """Mini-batches of nodes that know each other: some clusters at a time, and all edges between their nodes.

    "Cluster-GCN", Chiang et al. 2019, arXiv:1905.07953. Unlike PyG's, it needs no compiled extension.

    Args:
        data: a `Data`.
        num_parts: the number of clusters.
        method: "metis" (few edges between clusters; needs pymetis), "balanced" (consecutive nodes), or the cluster of
            each node, `[N]` integers.
        batch_size: the number of clusters in a batch.
        **kwargs: as for `torch.utils.data.DataLoader`.

    Raises:
        ValueError: an unknown method, or clusters that do not cover the nodes.
        ImportError: "metis" without pymetis.

    Example:
        >>> from torch_geometric.data import Data
        >>> data = Data(x=torch.eye(4), edge_index=torch.tensor([[0, 1, 2, 3, 1], [1, 0, 3, 2, 2]]))
        >>> [batch.edge_index.tolist() for batch in ClusterLoader(data, 2, method=torch.tensor([0, 0, 1, 1]))]
        [[[0, 1], [1, 0]], [[0, 1], [1, 0]]]
    """

    def __init__(
        self, data: Any, num_parts: int, *, method: str | Tensor = "metis", batch_size: int = 1, **kwargs: Any
    ) -> None:
        graph = Graph(data.edge_index.cpu(), num_nodes=data.num_nodes)
        if isinstance(method, Tensor):
            self.cluster = check_given(method, graph.num_nodes, num_parts)
        elif method == "metis":
            self.cluster = metis(graph.csr, num_parts)
        elif method == "balanced":
            self.cluster = balanced(graph.csr.indptr, num_parts)
        else:
            raise ValueError(f'method must be "metis", "balanced" or the cluster of each node, got {method!r}')
        self.data = data
        super().__init__(range(num_parts), batch_size=batch_size, collate_fn=self._batch, **kwargs)  # type: ignore[arg-type]

    def _batch(self, clusters: list[int]) -> Any:
        nodes = torch.isin(self.cluster, torch.tensor(clusters)).nonzero().squeeze(1)
        batch = self.data.subgraph(nodes)
        batch.n_id = nodes
        return batch
