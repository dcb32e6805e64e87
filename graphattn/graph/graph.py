"""The Graph: who may attend to whom, with its compressed forms built once and kept."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from graphattn.graph.checks import as_count, as_device, check_form, check_nodes, is_pyg_edge_index, known_sizes
from graphattn.graph.compressed import Compressed, compress, index_dtype
from graphattn.graph.export import to_networkx, to_pyg, to_scipy, to_torch_sparse
from graphattn.graph.memo import agree, settle
from graphattn.graph.native import native_for
from graphattn.graph.plot import Picture, plot
from graphattn.graph.torch_modes import has_values, is_mapped, savable, unwrapped
from graphattn.graph.validate import validate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from networkx import DiGraph
    from scipy.sparse import coo_array
    from torch_geometric.data import Data
    from typing_extensions import Self


class Graph:
    """Directed edges from `num_src` source nodes to `num_dst` destination nodes.

    N(i) = { j : edge_index[:, e] = (j, i) for some e }

    Node `i` attends to its in-neighbors `N(i)`. Edges may repeat (each copy counts), may be self-loops, and
    keep the caller's order: what is per edge (`edge_bias`, attention weights) is in that of `edge_index`.

    Given: `edge_index` and the sizes. Derived on first use and kept: `csr` (by destination, for forward
    passes) and `csc` (by source, for backward passes). The edges are not copied: do not change them later.

    Args:
        edge_index: `[2, E]` integers; row 0 holds sources `j`, row 1 destinations `i` (PyG's flow
            "source_to_target"). A PyG `EdgeIndex` brings its `sparse_size` along.
        num_nodes: the number of nodes where sources and destinations are one set; largest node + 1 when None.
        num_dst: the number of destinations `M`, where they are a set of their own.
        num_src: the number of sources `N`, where they are a set of their own.

    Raises:
        TypeError: `edge_index` is no tensor of integers, or a size is no integer.
        ValueError: wrong shape, a node outside the graph, or `num_nodes` beside `num_dst`/`num_src`.

    Example:
        >>> import torch
        >>> graph = Graph(torch.tensor([[0, 2, 1], [1, 1, 0]]), num_nodes=4)
        >>> graph
        Graph(num_nodes=4, num_edges=3)
        >>> graph.csr.indptr.tolist(), graph.csr.indices.tolist(), graph.csr.perm.tolist()
        ([0, 1, 3, 3, 3], [1, 0, 2], [2, 0, 1])
    """

    device: torch.device
    _num_edges: int | None
    _edge_index: Tensor | None
    _csr: Compressed | None
    _csc: Compressed | None
    _looped: tuple[Graph, Tensor] | None
    _appended: Graph | None
    _reversed: Graph | None
    _derived: dict[str, Any]

    def __init__(
        self,
        edge_index: Tensor,
        num_nodes: int | None = None,
        *,
        num_dst: int | None = None,
        num_src: int | None = None,
    ) -> None:
        if num_nodes is not None:
            if num_dst is not None or num_src is not None:
                raise ValueError(
                    "give either num_nodes (one node set) or num_dst and num_src (two node sets), not both: "
                    f"got num_nodes={num_nodes}, num_dst={num_dst}, num_src={num_src}"
                )
            num_dst = num_src = as_count("num_nodes", num_nodes)
        else:
            num_dst = None if num_dst is None else as_count("num_dst", num_dst)
            num_src = None if num_src is None else as_count("num_src", num_src)
        if not isinstance(edge_index, Tensor):
            raise TypeError(f"edge_index must be a tensor of shape [2, E], got {type(edge_index).__name__}")
        if is_pyg_edge_index(edge_index):
            if num_dst is None and num_src is None:
                num_dst, num_src = known_sizes(edge_index)
            edge_index = edge_index.as_tensor()
        check_form(edge_index)
        edge_index = _lasting(edge_index)
        num_dst, num_src = check_nodes(edge_index, num_dst, num_src)
        self._set(num_dst, num_src, edge_index.size(1), edge_index.device)
        self._edge_index = edge_index

    def _set(self, num_dst: int, num_src: int, num_edges: int | None, device: torch.device) -> None:
        self.num_dst = num_dst
        self.num_src = num_src
        self.device = device
        self._num_edges = num_edges
        self._edge_index = None
        self._csr = None
        self._csc = None
        self._looped = None
        self._appended = None
        self._reversed = None
        self._derived = {}

    @classmethod
    def _checked(cls, edge_index: Tensor, num_dst: int, num_src: int) -> Graph:
        """The graph of int64 edges that are known to lie inside it."""
        graph = Graph.__new__(Graph)
        graph._set(num_dst, num_src, edge_index.size(1), edge_index.device)
        graph._edge_index = edge_index
        return graph

    @classmethod
    def _of_csr(cls, csr: Compressed, num_src: int) -> Graph:
        """The graph whose CSR form is known, with edges in that order; they are listed only when asked for."""
        graph = Graph.__new__(Graph)
        graph._set(csr.indptr.numel() - 1, num_src, csr.indices.numel(), csr.indices.device)
        graph._csr = csr
        return graph

    @property
    def num_nodes(self) -> int:
        """The number of nodes, where sources and destinations are equally many.

        Raises:
            ValueError: the graph has different numbers of sources and destinations.
        """
        if self.num_dst != self.num_src:
            raise ValueError(
                f"the graph has {self.num_dst} destinations and {self.num_src} sources, not one number of "
                "nodes; use num_dst and num_src"
            )
        return self.num_dst

    @property
    def num_edges(self) -> int:
        """The number of edges `E`, copies and self-loops included."""
        if self._num_edges is None:
            self._num_edges = self.edge_index.size(1)
        return self._num_edges

    @property
    def is_mapped(self) -> bool:
        """Whether `torch.func.vmap` maps over the edges, so that each of its items has others."""
        return self._edge_index is not None and is_mapped(self._edge_index)

    @property
    def edge_index(self) -> Tensor:
        """The edges, `[2, E]` int64, in the caller's order; row 0 holds sources, row 1 destinations."""
        if self._edge_index is None:
            with savable(self._edge_index):
                self._edge_index = self._make_edge_index()
        return self._edge_index

    @property
    def csr(self) -> Compressed:
        """Edges by destination; `indices` are sources, `perm[p]` is the caller's edge at position `p`.

        `perm` is None where the caller's order is CSR order already.
        """
        if self._csr is None:
            with savable(self._edge_index):
                self._csr = self._make_csr()
            settle(self.device)
        return self._csr

    @property
    def csc(self) -> Compressed:
        """Edges by source; `indices` are destinations, `perm[p]` is the CSR position of the edge at `p`."""
        if self._csc is None:
            with savable(self._edge_index):
                self._csc = self._make_csc()
            settle(self.device)
        return self._csc

    # A subclass that is given by a rule overrides one of these two; each is made from the other.

    def _make_edge_index(self) -> Tensor:
        csr = self.csr
        return torch.stack([csr.indices, csr.rows()]).to(torch.int64)

    def _make_csr(self) -> Compressed:
        dtype = index_dtype(self.num_dst, self.num_src, self.num_edges)
        native = native_for(self.edge_index)
        if native is not None:
            return native.by_destination(self.edge_index, self.num_dst, self.num_src, dtype)
        src, dst = self.edge_index.to(dtype).contiguous()  # rows of a transposed tensor have gaps
        return compress(dst, src, self.num_dst)

    def _make_csc(self) -> Compressed:
        csr = self.csr
        native = native_for(csr.indices)
        if native is not None:
            return native.by_source(csr, self.num_src)
        indptr, indices, perm = compress(csr.indices, csr.rows(), self.num_src)
        if perm is None:
            perm = torch.arange(indices.numel(), dtype=indices.dtype, device=self.device)
        return Compressed(indptr, indices, perm)

    @property
    def in_degree(self) -> Tensor:
        """The number of edges into each destination, `[M]`, in the index dtype."""
        return self.csr.indptr.diff()

    @property
    def out_degree(self) -> Tensor:
        """The number of edges out of each source, `[N]`, in the index dtype."""
        return self.csc.indptr.diff()

    def reverse(self) -> Graph:
        """The graph in which every edge points the other way, in the same order; made once and kept.

        >>> import torch
        >>> Graph(torch.tensor([[0, 2], [1, 1]]), num_dst=2, num_src=3).reverse().edge_index
        tensor([[1, 1],
                [0, 2]])
        """
        if self._reversed is None:
            with savable(self._edge_index):
                self._reversed = Graph._checked(self.edge_index.flip(0), self.num_src, self.num_dst)
        return self._reversed

    def remove_self_loops(self) -> tuple[Graph, Tensor]:
        """The graph without edges from a node to itself, and the ids of the edges that stay, `[E']` int64.

        >>> import torch
        >>> graph, kept = Graph(torch.tensor([[0, 1, 1], [1, 1, 0]])).remove_self_loops()
        >>> graph, kept
        (Graph(num_nodes=2, num_edges=2), tensor([0, 2]))
        """
        src, dst = self.edge_index
        kept = (src != dst).nonzero().squeeze(1)
        none_goes = has_values(kept) and kept.numel() == self.num_edges
        edge_index = self.edge_index if none_goes else self.edge_index[:, kept]
        return Graph._checked(edge_index, self.num_dst, self.num_src), kept

    def add_self_loops(self) -> tuple[Graph, Tensor]:
        """The graph with exactly one self-loop at each node, and the ids of the edges that stay, `[E']`.

        As in PyG's GATConv: self-loops there already are removed, then loops at nodes 0, 1, ... min(M, N) - 1
        are appended. The result is kept, so that a layer may ask at every call.

        >>> import torch
        >>> graph, kept = Graph(torch.tensor([[0, 1, 1], [1, 1, 0]])).add_self_loops()
        >>> graph.edge_index, kept
        (tensor([[0, 1, 0, 1],
                [1, 0, 0, 1]]), tensor([0, 2]))
        """
        if self._looped is None:
            with savable(self._edge_index):
                self._looped = self._renew_loops()
        return self._looped

    def _renew_loops(self) -> tuple[Graph, Tensor]:
        native = native_for(self.edge_index)
        if native is None:
            graph, kept = self.remove_self_loops()
            return graph.append_self_loops(), kept
        edge_index, kept = native.renew_loops(self.edge_index, min(self.num_dst, self.num_src))
        return Graph._checked(edge_index, self.num_dst, self.num_src), kept

    def append_self_loops(self) -> Graph:
        """The graph with a self-loop more at nodes 0, 1, ... min(M, N) - 1, behind the other edges; made once and kept.

        >>> import torch
        >>> Graph(torch.tensor([[0, 1], [0, 0]])).append_self_loops().edge_index
        tensor([[0, 1, 0, 1],
                [0, 0, 0, 1]])
        """
        if self._appended is None:
            with savable(self._edge_index):
                loops = torch.arange(min(self.num_dst, self.num_src), device=self.device).expand(2, -1)
                edge_index = torch.cat([self.edge_index, loops], dim=1)
            self._appended = Graph._checked(edge_index, self.num_dst, self.num_src)
        return self._appended

    def to(self, device: torch.device | str | int, *, non_blocking: bool = False) -> Self:
        """The same graph on `device`, with what was derived so far; the graph itself if it is there."""
        device = as_device(device)
        if device == self.device:
            return self
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking), device)

    def pin_memory(self) -> Self:
        """The same graph in page-locked memory, so that `to(device, non_blocking=True)` does not wait.

        Raises:
            RuntimeError: this machine has no accelerator, or the graph is not in the memory of the CPU.
        """
        if not torch.accelerator.is_available():
            raise RuntimeError("pin_memory needs an accelerator (such as a GPU), and PyTorch finds none here")
        if self.device.type != "cpu":
            raise RuntimeError(f"pin_memory needs a graph on the CPU, but this one is on {self.device}")
        return self._map(lambda tensor: tensor.pin_memory(), self.device)

    def _map(self, change: Callable[[Tensor], Tensor], device: torch.device) -> Self:
        def change_all(compressed: Compressed | None) -> Compressed | None:
            if compressed is None:
                return None
            indptr, indices, perm = compressed
            return Compressed(change(indptr), change(indices), None if perm is None else change(perm))

        graph = copy.copy(self)
        graph.device = device
        graph._edge_index = None if self._edge_index is None else change(self._edge_index)
        graph._csr = change_all(self._csr)
        graph._csc = change_all(self._csc)
        graph._looped = graph._appended = graph._reversed = None
        return graph

    def __getstate__(self) -> dict[str, Any]:
        # What `derived` keeps is of this device, and not all of it can be pickled.
        return {**self.__dict__, "_derived": {}}

    def validate(self) -> None:
        """Check again all that was given and derived so far.

        Raises:
            ValueError: an array is broken; the message says which and how.
        """
        validate(self._edge_index, self._csr, self._csc, self.num_dst, self.num_src, self.num_edges)

    def _agrees_with(self, fresh: Graph) -> bool:
        """Whether this graph and all that it has derived are what they would be in a graph made now."""
        return self == fresh and all(
            kept is None or agree(kept, make())
            for kept, make in (
                (self._csr, lambda: fresh.csr),
                (self._csc, lambda: fresh.csc),
                (self._looped, fresh.add_self_loops),
                (self._appended, fresh.append_self_loops),
                (self._reversed, fresh.reverse),
            )
        )

    def plot(
        self, style: str = "auto", *, node: int | None = None, pos: Tensor | None = None, ax: Axes | None = None
    ) -> Axes:
        """Draw the graph with Matplotlib; at most 100 million edges, unless only a neighborhood is drawn.

        - "matrix": a row for each destination, a column for each source, a filled cell for each edge; a band for a
          window, a triangle for a causal graph. The parts of a union have colors of their own, the earlier on top.
          Above 512 rows or columns several share a pixel, filled where there is any edge.
        - "neighborhood": the cells of one grid or window, and which of them one node sees; the numbers are those of
          `offset_index`. A volume is drawn plane by plane.
        - "network": nodes as points and edges as lines, with arrows where not every edge is there both ways. Graphs
          with two node sets have their sources on the left, other graphs are laid out by forces between nodes.
        - "auto": "network" with `pos` and for small graphs that follow no rule; "neighborhood" for a grid; otherwise
          "matrix".

        Args:
            style: one of the above.
            node: the node whose neighborhood is drawn; one in the middle when None.
            pos: where the nodes are, `[N, 2]`, for "network".
            ax: where to draw; new axes when None.

        Returns:
            The Matplotlib axes, to change or to save: `graph.plot().figure.savefig("graph.png")`.

        Raises:
            TypeError: `node` is no integer.
            ValueError: an unknown style, a style that the graph has not, a node outside, `pos` of another shape, or too
                many edges.

        Example:
            >>> from graphattn.graph import window
            >>> axes = window(16, radius=2).plot()  # doctest: +SKIP
        """
        return plot(self._picture(), style, node=node, pos=pos, ax=ax)

    def _picture(self) -> Picture:
        """What `plot` needs to know; kinds of graph add to it."""
        name, two_sets = type(self).__name__, self.num_dst != self.num_src

        def edges() -> Tensor:
            return self.edge_index

        return Picture(name, self.num_dst, self.num_src, self.num_edges, edges, ((name, edges),), two_sets)

    def to_pyg(self) -> Data:
        """A `torch_geometric.data.Data` with this `edge_index` and `num_nodes`."""
        return to_pyg(self.edge_index, self.num_nodes)

    def to_torch_sparse(self, layout: torch.layout = torch.sparse_csr, edge_weight: Tensor | None = None) -> Tensor:
        """The adjacency matrix `[M, N]`; see `graphattn.graph.export.to_torch_sparse`."""
        return to_torch_sparse(self.edge_index, self.num_dst, self.num_src, layout, edge_weight)

    def to_scipy(self, edge_weight: Tensor | None = None) -> coo_array:
        """The adjacency matrix `[M, N]`; see `graphattn.graph.export.to_scipy`."""
        return to_scipy(self.edge_index, self.num_dst, self.num_src, edge_weight)

    def to_networkx(self) -> DiGraph:
        """A directed NetworkX graph; see `graphattn.graph.export.to_networkx`."""
        return to_networkx(self.edge_index, self.num_nodes)

    def __eq__(self, other: object) -> bool:
        """Same sizes and same edges in the same order; the kind of graph and the device do not matter."""
        if not isinstance(other, Graph):
            return NotImplemented
        mine = (self.num_dst, self.num_src, self.num_edges)
        if mine != (other.num_dst, other.num_src, other.num_edges):
            return False
        return torch.equal(self.edge_index, other.edge_index.to(self.device))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        where = "" if self.device.type == "cpu" else f", device='{self.device}'"
        return f"{type(self).__name__}({self._describe()}, num_edges={self.num_edges}{where})"

    def _describe(self) -> str:
        if self.num_dst == self.num_src:
            return f"num_nodes={self.num_dst}"
        return f"num_dst={self.num_dst}, num_src={self.num_src}"


def _lasting(edge_index: Tensor) -> Tensor:
    """The edges as int64 that may be kept."""
    if torch.compiler.is_compiling() or is_mapped(edge_index):
        return edge_index.to(torch.int64)
    with savable():
        return unwrapped(edge_index).to(torch.int64, copy=edge_index.is_inference())
