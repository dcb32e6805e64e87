"""The Graph of an edge_index, built once per tensor and reused by every layer called with it."""

from __future__ import annotations

import torch
from torch import Tensor

from graphattn.graph.checks import check_form, is_pyg_edge_index
from graphattn.graph.compressed import Compressed, index_dtype
from graphattn.graph.convert import from_torch_sparse
from graphattn.graph.graph import Graph
from graphattn.graph.memo import PerTensor, find_stale
from graphattn.graph.torch_modes import has_values, is_mapped, refuse_jit_trace
from graphattn.graph.traced import TracedGraph

_graphs: PerTensor[Graph] = PerTensor()


def as_graph(edges: Graph | Tensor, num_dst: int, num_src: int) -> Graph:
    """Return the Graph of `edges`, the same one at every call with the same tensor.

    A graph is built, and its CSR and CSC with it, once for each tensor, each content and each pair of sizes (the last
    pair asked for is kept). It lives as long as the tensor does. Inference tensors, which have no version, get a new
    Graph each time. Writing into the tensor in place is noticed, through its version; so are another address or shape
    (`edges.data = other`) and, on a CPU, a look at some of the edges: at all of them up to 16 KiB (1,024 edges), and
    otherwise at the first and last 512 bytes and some 64 places in between. Other writes that leave no trace in the
    version (into `edges.data`, through a NumPy array, by a C extension) are found by `check_edges`.

    Args:
        edges: a Graph, which is returned as it is; an `edge_index`, `[2, E]`, row 0 with sources and row 1 with
            destinations; or a `torch.sparse` matrix `[num_dst, num_src]` (PyG's `adj_t`), an edge for each entry.
        num_dst: the number of destinations.
        num_src: the number of sources.

    Raises:
        ValueError: the Graph has other sizes, or the `edge_index` does not fit them.
        TypeError: `edges` is neither.
        RuntimeError: they are a tensor, in `torch.jit.trace`.

    Example:
        >>> edge_index = torch.tensor([[0, 1], [1, 2]])
        >>> as_graph(edge_index, 3, 3) is as_graph(edge_index, 3, 3)
        True
    """
    if isinstance(edges, Graph):
        return _with_sizes(edges, num_dst, num_src)
    if not isinstance(edges, Tensor):
        raise TypeError(f"graph must be a Graph or an edge_index tensor, got {type(edges).__name__}")
    refuse_jit_trace("edges")
    if not has_values(edges) or is_mapped(edges):
        plain = edges.as_tensor() if is_pyg_edge_index(edges) else edges
        on_cpu = plain.device.type == "cpu" and plain.layout == torch.strided
        if torch.compiler.is_compiling() and on_cpu and not is_mapped(plain):
            check_form(plain)
            return TracedGraph(plain, num_dst, num_src)
        return _build(plain, num_dst, num_src)
    return _graphs.get(edges, (num_dst, num_src), lambda alias: _build(alias, num_dst, num_src))


def remember_sorted(edge_index: Tensor, num_dst: int, num_src: int) -> None:
    """Keep for an `edge_index` in order of destination its compressed form, so that no layer looks for it.

    For edges that are known to lie in the graph, such as those of a sample.

    Args:
        edge_index: `[2, E]` int64, whose second row never decreases.
        num_dst: the number of destinations.
        num_src: the number of sources.
    """
    graph = _graphs.get(edge_index, (num_dst, num_src), lambda alias: Graph._checked(alias, num_dst, num_src))
    dtype = index_dtype(num_dst, num_src, edge_index.size(1))
    row, col = edge_index
    indptr = torch._convert_indices_from_coo_to_csr(col, num_dst, out_int32=dtype == torch.int32)
    graph._csr = Compressed(indptr, row.to(dtype), None)


def check_edges(edge_index: Tensor | None = None) -> None:
    """Check that what is kept for the edges of earlier calls still follows from them.

    Layers build the graph of an `edge_index` tensor once and keep it while the tensor stays as it is. A write that
    PyTorch does not count (into `edge_index.data`, through a NumPy array that shares its memory, by a C extension) is
    noticed where the next call looks; on a GPU it is not, nor on a CPU where it changes a few edges of more than 1,024.
    A program that writes so calls this after the write, or a test calls it at its end. All is built anew and compared,
    which takes as long as building it did; on a GPU the host waits. What is kept for `batch`, `edge_type` and sparse
    matrices is checked likewise.

    Args:
        edge_index: the tensor to check; all that are alive when None.

    Raises:
        ValueError: a tensor was changed so. What was kept for it is forgotten, so the next call gives what it should.

    Example:
        >>> edge_index = torch.zeros(2, 5000, dtype=torch.int64)
        >>> graph = as_graph(edge_index, 3, 3)
        >>> graph.in_degree
        tensor([5000,    0,    0], dtype=torch.int32)
        >>> edge_index.data[1, 3001] = 2
        >>> try:
        ...     check_edges(edge_index)
        ... except ValueError as error:
        ...     print(str(error).partition(" (")[0])
        tensors were written into in a way that their version does not count
        >>> as_graph(edge_index, 3, 3).in_degree
        tensor([4999,    0,    1], dtype=torch.int32)
    """
    stale = find_stale(edge_index)
    if stale:
        shapes = ", ".join(str(list(each.shape if isinstance(each, Tensor) else each.sizes())) for each in stale)
        raise ValueError(
            f"tensors were written into in a way that their version does not count (through .data, or an array that "
            f"shares their memory), and results since then may be those of the old content; shapes: {shapes}; "
            "what was kept for them is forgotten"
        )


def _build(edges: Tensor, num_dst: int, num_src: int) -> Graph:
    if is_pyg_edge_index(edges):
        edges = edges.as_tensor()
    if edges.layout == torch.strided:
        return Graph(edges, num_dst=num_dst, num_src=num_src)
    return _with_sizes(from_torch_sparse(edges), num_dst, num_src)


def _with_sizes(graph: Graph, num_dst: int, num_src: int) -> Graph:
    if (graph.num_dst, graph.num_src) != (num_dst, num_src):
        raise ValueError(
            f"graph must have {num_dst} destinations and {num_src} sources, as many as there are features, "
            f"but it has {graph.num_dst} and {graph.num_src}"
        )
    return graph


@torch.library.impl("graphattn::compressed", "CPU")
def _compressed(
    edge_index: Tensor, num_dst: int, num_src: int, looped: bool, reversed: bool, by_source: bool, dtype: torch.dtype
) -> tuple[Tensor, ...]:
    graph = as_graph(edge_index, num_dst, num_src)
    graph = graph.append_self_loops() if looped else graph
    graph = graph.reverse() if reversed else graph
    indptr, indices, perm = graph.csc if by_source else graph.csr
    perm = (
        torch.arange(indices.shape[0], dtype=dtype, device=indices.device)
        if perm is None
        else perm.to(dtype, copy=True)
    )
    return indptr.to(dtype, copy=True), indices.to(dtype, copy=True), perm
