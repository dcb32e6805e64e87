"""Conversion of all forms of edges that PyG's layers accept to a cached Graph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch_geometric import EdgeIndex
from torch_geometric.typing import SparseTensor
from torch_geometric.utils import is_torch_sparse_tensor

from graphattn.graph import Graph, as_graph
from graphattn.graph.memo import PerTensor, derived
from graphattn.graph.torch_modes import refuse_jit_trace
from graphattn.nn.checks import check_edge_attr
from graphattn.nn.pyg.self_loops import FillValue, add_self_loops, cover_self_loops

Size = tuple[int | None, int | None] | None
"""Numbers of sources and destinations, where given."""


@dataclass(frozen=True, eq=False)
class Adjacency:
    """Edges, their features, and the form in which the caller gave them.

    `graph` has the rows of `edge_index`; `edge_attr` and attention weights are in its order, which for a sparse matrix
    is the order of its entries. `hidden` masks edges that are excluded from attention; None if there are none.
    """

    given: Any
    graph: Graph
    edge_attr: Tensor | None
    flow: str
    has_new_loops: bool = False
    hidden: Tensor | None = None

    @property
    def attended(self) -> Graph:
        """The graph in the direction of the attention operator, from keys to queries."""
        return self.graph if self.flow == "source_to_target" else self.graph.reverse()

    @property
    def size(self) -> tuple[int, int]:
        """The numbers of key nodes and of query nodes."""
        return self.attended.num_src, self.attended.num_dst

    def add_self_loops(self, fill_value: FillValue = "mean") -> Adjacency:
        """Exactly one self-loop per node below min(M, N): at the end of an edge list, on the diagonal of a matrix."""
        if not is_matrix(self.given):
            graph, edge_attr = add_self_loops(self.graph, self.edge_attr, fill_value)
            return replace(self, graph=graph, edge_attr=edge_attr, has_new_loops=True)
        _, edge_attr = add_self_loops(self.graph, self.edge_attr, fill_value)
        graph, place = _loops_in_place(self.given, self.graph)
        if edge_attr is not None:
            empty = edge_attr.new_zeros(graph.num_edges, *edge_attr.shape[1:])
            edge_attr = empty.index_add(0, place, edge_attr)
        return replace(self, graph=graph, edge_attr=edge_attr, has_new_loops=True)

    def cover_self_loops(self, fill_value: FillValue = "mean") -> Adjacency:
        """The same for a traced edge list: existing loops are hidden instead of removed, so E' is static."""
        graph, edge_attr, hidden = cover_self_loops(self.graph, self.edge_attr, fill_value)
        return replace(self, graph=graph, edge_attr=edge_attr, has_new_loops=True, hidden=hidden)

    def edges(self) -> Any:
        """The edges with their self-loops, in the form of an edge list that was given."""
        if isinstance(self.given, Graph):
            return self.graph.edge_index
        if not self.has_new_loops:
            return self.given
        if isinstance(self.given, EdgeIndex):
            size = (self.graph.num_src, self.graph.num_dst)
            return EdgeIndex(self.graph.edge_index, sparse_size=size, is_undirected=self.given.is_undirected)
        return self.graph.edge_index

    def with_weights(self, weights: Tensor | None) -> Any:
        """The edges with attention weights `[E, H]`, in the form that PyG's layers return."""
        assert weights is not None  # the layer requested them
        if isinstance(self.given, SparseTensor):
            src, dst = self.graph.edge_index
            return SparseTensor(
                row=dst, col=src, value=weights, sparse_sizes=(self.graph.num_dst, self.graph.num_src), is_sorted=True
            )
        if is_torch_sparse_tensor(self.given):
            return _matrix(self.graph, weights, self.given.layout), weights
        return self.edges(), weights


def is_matrix(edge_index: Any) -> bool:
    """Whether the edges are a sparse matrix with destinations as rows (PyG's `adj_t`)."""
    return isinstance(edge_index, SparseTensor) or is_torch_sparse_tensor(edge_index)


def read(
    edge_index: Any,
    edge_attr: Tensor | None,
    x: tuple[Tensor, Tensor | None],
    size: Size = None,
    flow: str = "source_to_target",
    *,
    takes_numbers: bool = False,
) -> Adjacency:
    """Convert edges in any form that PyG's layers accept, or a Graph.

    Args:
        edge_index: `[2, E]` integers, an `EdgeIndex`, a `torch.sparse` or torch-sparse matrix `[M, N]`, or a Graph.
        edge_attr: `[E, …]`; the values of the matrix when None.
        x: features of the key nodes and of the query nodes; the latter may be None.
        size: the `size` argument of the layer, (keys, queries).
        flow: the `flow` of the layer; with "target_to_source", row 0 of `edge_index` attends to row 1.
        takes_numbers: whether scalar values of a torch-sparse matrix are edge features, as in PyG; those of a
            `torch.sparse` matrix never are.

    Raises:
        TypeError: `edge_index` has another type, or does not hold integers.
        ValueError: sizes or devices disagree, a node index is out of range, the number of edge features is not E, or a
            matrix is combined with `flow="target_to_source"`.
        RuntimeError: the layer is called in `torch.jit.trace`.
    """
    refuse_jit_trace("edges")
    if is_matrix(edge_index) and flow == "target_to_source":
        raise ValueError('edge_index is a sparse matrix, which flow="target_to_source" does not take: transpose it')
    if not isinstance(edge_index, Tensor | SparseTensor | Graph):
        raise TypeError(
            "edge_index must be a tensor [2, E], an EdgeIndex, a sparse matrix or a Graph, "
            f"got {type(edge_index).__name__}"
        )
    if size is not None and (not isinstance(size, tuple | list) or len(size) != 2):
        raise ValueError(f"size is a pair (number of sources, number of destinations), got {size!r}")
    for name, edge_tensor in (("edge_index", edge_index), ("edge_attr", edge_attr)):
        device = _device(edge_tensor)
        if device is not None and device != x[0].device:
            raise ValueError(f"{name} is on {device}, but x is on {x[0].device}")
    sizes: tuple[int | None, int | None] = x[0].shape[0], None if x[1] is None else x[1].shape[0]
    if flow == "target_to_source":
        sizes, size = sizes[::-1], None if size is None else size[::-1]
    num_src, num_dst = _sizes(edge_index, sizes, size)
    if isinstance(edge_index, SparseTensor):
        graph = as_graph(_entries(edge_index), num_dst, num_src)
    else:
        graph = as_graph(edge_index, num_dst, num_src)
    if edge_attr is None:
        values = matrix_values(edge_index)
        if values is not None and (values.dim() > 1 or (takes_numbers and isinstance(edge_index, SparseTensor))):
            edge_attr = values
    if edge_attr is not None:
        check_edge_attr(edge_attr, graph)
    return Adjacency(edge_index, graph, edge_attr, flow)


def _device(edges: Any) -> torch.device | None:
    return edges.device() if isinstance(edges, SparseTensor) else getattr(edges, "device", None)


def _sizes(edge_index: Any, sizes: tuple[int | None, int | None], size: Size) -> tuple[int, int]:
    """The numbers of sources and destinations, from the features, `size`, or the edges themselves."""
    known: Size = None
    if isinstance(edge_index, Graph):
        known = (edge_index.num_src, edge_index.num_dst)
    elif is_matrix(edge_index):
        known = (edge_index.size(1), edge_index.size(0))
    elif isinstance(edge_index, EdgeIndex):
        known = edge_index.sparse_size()
    found: list[int | None] = [None, None]
    may_be_short = isinstance(edge_index, EdgeIndex)  # its size may have been inferred from the largest index
    sources = ("features in x", sizes), ("nodes in size", size), ("nodes in edge_index", known)
    for side, kind in enumerate(("source", "destination")):
        for name, pair in sources:
            count, first = None if pair is None else pair[side], found[side]
            if count is None:
                continue
            if first is None:
                found[side], found_in = count, name
            elif count > first or (count < first and not (name == "nodes in edge_index" and may_be_short)):
                raise ValueError(f"there are {first} {kind} {found_in}, but {count} {kind} {name}")
    num_src, num_dst = found
    num_src = num_dst if num_src is None else num_src
    assert num_src is not None  # every layer has features of at least one side
    return num_src, num_src if num_dst is None else num_dst


def matrix_values(edge_index: Any) -> Tensor | None:
    """The values of a sparse matrix; None for other forms of edges."""
    if isinstance(edge_index, SparseTensor):
        return edge_index.storage.value()
    if not is_matrix(edge_index):
        return None
    return edge_index._values() if edge_index.layout == torch.sparse_coo else edge_index.values()


_entries_of: PerTensor[Tensor] = PerTensor()


def _entries(matrix: SparseTensor) -> Tensor:
    """The entries of a torch-sparse matrix as an edge_index, cached so that every call returns the same tensor."""

    def stack(matrix: SparseTensor) -> Tensor:
        dst, src, _ = matrix.coo()
        return torch.stack([src, dst])

    return _entries_of.get(matrix, None, stack)


def _loops_in_place(matrix: Any, graph: Graph) -> tuple[Graph, Tensor]:
    """The graph of a matrix with full diagonal, and the position in it of each edge of `graph.add_self_loops()`.

    As in PyG, duplicate entries are merged in a `torch.sparse` matrix and kept in a torch-sparse matrix.
    """
    return derived(graph, "loops_in_place", lambda: _find_loops(matrix, graph))  # each matrix has a graph of its own


def _find_loops(matrix: Any, graph: Graph) -> tuple[Graph, Tensor]:
    looped, _ = graph.add_self_loops()
    src, dst = looped.edge_index
    by_column = isinstance(matrix, Tensor) and matrix.layout == torch.sparse_csc
    keys = src * graph.num_dst + dst if by_column else dst * graph.num_src + src
    if isinstance(matrix, SparseTensor):
        order = keys.argsort(stable=True)
        in_place, place = looped.edge_index[:, order], order.argsort()
    else:
        keys, place = keys.unique(return_inverse=True)
        num_minor = graph.num_dst if by_column else graph.num_src
        major, minor = keys // max(num_minor, 1), keys % max(num_minor, 1)
        in_place = torch.stack([major, minor] if by_column else [minor, major])
    return Graph(in_place, num_dst=graph.num_dst, num_src=graph.num_src), place


def _matrix(graph: Graph, values: Tensor, layout: torch.layout) -> Tensor:
    """A `torch.sparse` matrix with these values, whose entries are the edges of `graph` in their order."""
    src, dst = graph.edge_index
    size = (graph.num_dst, graph.num_src, *values.shape[1:])
    if layout == torch.sparse_coo:
        return torch.sparse_coo_tensor(torch.stack([dst, src]), values, size, device=values.device).coalesce()
    rows, columns, count = (dst, src, graph.num_dst) if layout == torch.sparse_csr else (src, dst, graph.num_src)
    starts = torch.searchsorted(rows, torch.arange(count + 1, device=rows.device))
    return torch.sparse_compressed_tensor(starts, columns, values, size, layout=layout, device=values.device)
