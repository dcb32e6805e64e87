"""A graph's edges as the graphs and matrices of other libraries, each imported when used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    import networkx
    import scipy.sparse
    from torch_geometric.data import Data


def to_pyg(edge_index: Tensor, num_nodes: int) -> Data:
    """A PyG `Data` with the graph's `edge_index` and `num_nodes`.

    Example:
        >>> import torch
        >>> to_pyg(torch.tensor([[0, 1], [1, 0]]), num_nodes=3)
        Data(edge_index=[2, 2], num_nodes=3)
    """
    from torch_geometric.data import Data

    return Data(edge_index=edge_index, num_nodes=num_nodes)


def to_torch_sparse(
    edge_index: Tensor,
    num_dst: int,
    num_src: int,
    layout: torch.layout = torch.sparse_csr,
    edge_weight: Tensor | None = None,
) -> Tensor:
    """The adjacency matrix `[M, N]` of a graph: `A[i, j]` is the sum over the edges `j -> i` of their weights.

    Rows are destinations and columns are sources, as in PyG's `adj_t`. `torch.sparse_coo` keeps every edge in
    the caller's order (uncoalesced); `sparse_csr` and `sparse_csc` merge copies of an edge into their sum.

    Args:
        edge_index: the edges, `[2, E]`.
        num_dst: M, the number of destinations.
        num_src: N, the number of sources.
        layout: `torch.sparse_csr`, `torch.sparse_csc` or `torch.sparse_coo`.
        edge_weight: the weight of each edge, `[E]`, in the order of `edge_index`; ones (float32) when None.

    Raises:
        ValueError: another layout, or `edge_weight` has another shape.

    Example:
        >>> import torch
        >>> to_torch_sparse(torch.tensor([[0, 0, 1], [1, 1, 0]]), 2, 2).to_dense()
        tensor([[0., 1.],
                [2., 0.]])
    """
    weight = _weights(edge_index, edge_weight)
    indices, shape = edge_index.flip(0), (num_dst, num_src)
    # Graph has checked the nodes.
    matrix = torch.sparse_coo_tensor(indices, weight, shape, device=edge_index.device, check_invariants=False)
    if layout == torch.sparse_coo:
        return matrix
    if layout == torch.sparse_csr:
        return matrix.to_sparse_csr()
    if layout == torch.sparse_csc:
        return matrix.to_sparse_csc()
    raise ValueError(f"layout must be torch.sparse_csr, sparse_csc or sparse_coo, got {layout}")


def to_scipy(
    edge_index: Tensor, num_dst: int, num_src: int, edge_weight: Tensor | None = None
) -> scipy.sparse.coo_array:
    """The adjacency matrix `[M, N]` of a graph as a `coo_array`, with every edge in the caller's order.

    Rows are destinations and columns are sources. `.tocsr()` of it merges copies of an edge into their sum.

    Args:
        edge_index: the edges, `[2, E]`.
        num_dst: M, the number of destinations.
        num_src: N, the number of sources.
        edge_weight: the weight of each edge, `[E]`, in the order of `edge_index`; ones (float32) when None.

    Raises:
        ValueError: `edge_weight` has another shape.

    Example:
        >>> import torch
        >>> to_scipy(torch.tensor([[0, 0, 1], [1, 1, 0]]), 2, 2).toarray().tolist()
        [[0.0, 1.0], [2.0, 0.0]]
    """
    from scipy.sparse import coo_array

    src, dst = edge_index.cpu().numpy()
    weight = _weights(edge_index, edge_weight).detach().cpu().numpy()
    return coo_array((weight, (dst, src)), shape=(num_dst, num_src))


def to_networkx(edge_index: Tensor, num_nodes: int) -> networkx.DiGraph:
    """A directed NetworkX graph of the nodes `0, 1, ...`: a `MultiDiGraph` where edges repeat, else a `DiGraph`.

    Example:
        >>> import torch
        >>> list(to_networkx(torch.tensor([[0, 1], [1, 0]]), num_nodes=3).edges)
        [(0, 1), (1, 0)]
    """
    import networkx

    edges = edge_index.t().tolist()
    repeats = len(set(map(tuple, edges))) < len(edges)
    converted = networkx.MultiDiGraph() if repeats else networkx.DiGraph()
    converted.add_nodes_from(range(num_nodes))
    converted.add_edges_from(edges)
    return converted


def _weights(edge_index: Tensor, edge_weight: Tensor | None) -> Tensor:
    if edge_weight is None:
        return torch.ones(edge_index.shape[1], dtype=torch.float32, device=edge_index.device)
    if edge_weight.shape != (edge_index.shape[1],):
        raise ValueError(f"edge_weight must have shape [{edge_index.shape[1]}], got {list(edge_weight.shape)}")
    return edge_weight
