"""The Graph of an edge_index, built once for each tensor however often a layer is called with it."""

from __future__ import annotations

import threading
import weakref
from typing import NamedTuple

import torch
from torch import Tensor

from graphattn.graph.convert import from_torch_sparse
from graphattn.graph.graph import Graph, check_form, is_pyg_edge_index
from graphattn.graph.traced import TracedGraph
from graphattn.graph.transforms import has_values, refuse_jit_trace


class _Entry(NamedTuple):
    tensor: weakref.ref[Tensor]
    version: int
    graph: Graph


_entries: dict[int, _Entry] = {}  # by id() of the tensor, for tensors compare by element
_lock = threading.RLock()  # reentrant: a tensor may be freed, and _forget called, while the lock is held


def as_graph(edges: Graph | Tensor, num_dst: int, num_src: int) -> Graph:
    """Return the Graph of `edges`, the same one at every call with the same tensor.

    A graph is built, and its CSR and CSC with it, once for each tensor, each content (writing into the tensor
    in place is noticed, through its version) and each pair of sizes (the last pair asked for is kept). It lives
    as long as the tensor does. Inference tensors, which have no version, get a new Graph each time.

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
    plain = edges.as_tensor() if is_pyg_edge_index(edges) else edges
    if torch.compiler.is_compiling() and plain.device.type == "cpu" and plain.layout == torch.strided:
        check_form(plain)
        return TracedGraph(plain, num_dst, num_src)
    if not has_values(plain) or plain.is_inference():
        return _build(plain, num_dst, num_src)
    key = id(edges)
    with _lock:
        entry = _entries.get(key)
        if entry is not None and _fits(entry, edges, plain._version, num_dst, num_src):
            return entry.graph
        # The Graph holds an alias, not the tensor itself, which would then never be freed.
        graph = _build(plain.detach(), num_dst, num_src)
        reference = weakref.ref(edges, lambda gone: _forget(key, gone))
        _entries[key] = _Entry(reference, plain._version, graph)
        return graph


def _build(edges: Tensor, num_dst: int, num_src: int) -> Graph:
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


def _fits(entry: _Entry, tensor: Tensor, version: int, num_dst: int, num_src: int) -> bool:
    return (
        entry.tensor() is tensor
        and entry.version == version
        and (entry.graph.num_dst, entry.graph.num_src) == (num_dst, num_src)
    )


def _forget(key: int, gone: weakref.ref[Tensor]) -> None:
    with _lock:
        entry = _entries.get(key)
        if entry is not None and entry.tensor is gone:  # another tensor may have got the same id since
            del _entries[key]
