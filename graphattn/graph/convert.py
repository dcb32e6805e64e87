"""Graphs made from the graphs and matrices of other libraries, each imported when used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from graphattn.graph.graph import Graph

if TYPE_CHECKING:
    import networkx
    import scipy.sparse
    from torch_geometric.data import Data


def from_pyg(data: Data) -> Graph:
    """The graph of a PyG `Data` or `Batch`.

    Reads `edge_index` (a tensor or an `EdgeIndex`) or, without it, `adj_t` (a `torch.sparse` tensor whose rows
    are destinations). Trailing nodes without edges count, as `data.num_nodes` says.

    Raises:
        TypeError: `adj_t` is a `torch_sparse.SparseTensor`.
        ValueError: `data` has neither.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> from_pyg(Data(edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=3))
        Graph(num_nodes=3, num_edges=2)
    """
    edge_index = getattr(data, "edge_index", None)
    if edge_index is not None:
        return Graph(edge_index, data.num_nodes)
    adj_t = getattr(data, "adj_t", None)
    if adj_t is None:
        raise ValueError(f"data must have edge_index or adj_t, got {data!r}")
    if not isinstance(adj_t, Tensor):
        raise TypeError(
            f"data.adj_t must be a torch.sparse tensor, got {type(adj_t).__name__}; "
            "make it with ToSparseTensor(layout=torch.sparse_csr)"
        )
    return from_torch_sparse(adj_t)


def from_torch_sparse(matrix: Tensor) -> Graph:
    """The graph whose adjacency matrix is `matrix`: an entry in row `i`, column `j` is an edge `j -> i`.

    Rows are destinations and columns are sources, as in PyG's `adj_t`, so that `matrix @ x` sums over the
    in-neighbors. (An adjacency matrix whose rows are sources must be transposed first.) Every stored entry is an
    edge, zeros and copies too, in the order of `matrix.values()`; the values themselves are not looked at.

    Args:
        matrix: `[M, N]` with layout `torch.sparse_coo`, `sparse_csr` or `sparse_csc`; each value may be a number or
            an array of any shape.

    Raises:
        TypeError: `matrix` is no tensor.
        ValueError: another layout, or not two axes.

    Example:
        >>> import torch
        >>> matrix = torch.tensor([[0.0, 2.0, 3.0], [4.0, 0.0, 0.0]]).to_sparse_coo()
        >>> from_torch_sparse(matrix).edge_index
        tensor([[1, 2, 0],
                [0, 0, 1]])
    """
    if not isinstance(matrix, Tensor):
        raise TypeError(f"matrix must be a torch.sparse tensor, got {type(matrix).__name__}")
    layouts = (torch.sparse_coo, torch.sparse_csr, torch.sparse_csc)
    if matrix.layout not in layouts or matrix.dim() - matrix.dense_dim() != 2:
        raise ValueError(
            "matrix must have layout sparse_coo, sparse_csr or sparse_csc and two sparse axes, "
            f"got {matrix.layout} and {matrix.dim() - matrix.dense_dim()} sparse axes"
        )
    if matrix.layout == torch.sparse_coo:
        dst, src = matrix._indices()  # indices() would need the copies of an entry merged
    elif matrix.layout == torch.sparse_csr:
        dst, src = _expand(matrix.crow_indices()), matrix.col_indices()
    else:
        dst, src = matrix.row_indices(), _expand(matrix.ccol_indices())
    num_dst, num_src = matrix.shape[:2]
    return Graph(torch.stack([src.long(), dst.long()]), num_dst=num_dst, num_src=num_src)


def _expand(indptr: Tensor) -> Tensor:
    return torch.arange(indptr.numel() - 1, device=indptr.device).repeat_interleave(indptr.diff())


def from_scipy(matrix: scipy.sparse.sparray | scipy.sparse.spmatrix) -> Graph:
    """The graph whose adjacency matrix is `matrix`: an entry in row `i`, column `j` is an edge `j -> i`.

    Rows are destinations and columns are sources, as in `from_torch_sparse` and unlike `scipy.sparse.csgraph`,
    whose matrices must be transposed first. Every stored entry is an edge, zeros and copies too, in the order of
    `matrix.tocoo()`; the values themselves are not looked at.

    Args:
        matrix: `[M, N]`, of any SciPy sparse format.

    Raises:
        TypeError: `matrix` is no SciPy sparse matrix or array.

    Example:
        >>> from scipy.sparse import csr_array
        >>> from_scipy(csr_array([[0, 2, 3], [4, 0, 0]])).edge_index
        tensor([[1, 2, 0],
                [0, 0, 1]])
    """
    from scipy.sparse import issparse

    if not issparse(matrix):
        raise TypeError(f"matrix must be a SciPy sparse array, got {type(matrix).__name__}")
    entries = matrix.tocoo()
    num_dst, num_src = entries.shape
    src, dst = torch.from_numpy(entries.col).long(), torch.from_numpy(entries.row).long()
    return Graph(torch.stack([src, dst]), num_dst=num_dst, num_src=num_src)


def from_networkx(graph: networkx.Graph) -> Graph:
    """The graph of a NetworkX graph, its nodes numbered in the order of `graph.nodes`.

    A directed edge `(u, v)` has source `u` and destination `v`. An undirected edge becomes two, one each way; an
    undirected self-loop becomes one. Parallel edges of a multigraph stay parallel. Edges come in the order of
    `graph.edges`, for an undirected graph in that of `graph.to_directed().edges`.

    Raises:
        TypeError: `graph` is no NetworkX graph.

    Example:
        >>> import networkx
        >>> from_networkx(networkx.path_graph(3)).edge_index
        tensor([[0, 1, 1, 2],
                [1, 0, 2, 1]])
    """
    import networkx

    if not isinstance(graph, networkx.Graph):
        raise TypeError(f"graph must be a NetworkX graph, got {type(graph).__name__}")
    number = {node: i for i, node in enumerate(graph.nodes)}
    directed = graph if graph.is_directed() else graph.to_directed(as_view=True)
    edges = [(number[source], number[destination]) for source, destination in directed.edges()]
    edge_index = torch.tensor(edges, dtype=torch.int64, device="cpu").view(-1, 2).t().contiguous()
    return Graph(edge_index, num_nodes=len(number))
