"""The batch of graphs: several graphs side by side, with no edge between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from graphattn.graph.graph import Graph
from graphattn.graph.packed import Packed
from graphattn.graph.rule import GraphKind

if TYPE_CHECKING:
    from typing_extensions import Self


class Batch(Packed):
    """The disjoint union of `parts`; built by `batch`.

    The edges of the first part come first, in its own order, then those of the second, ...
    """

    parts: tuple[Graph, ...]

    def __init__(self, parts: Sequence[Graph]) -> None:
        self.parts = tuple(parts)
        self._set_packed(
            list(chain.from_iterable(_dst_sizes(part) for part in self.parts)),
            list(chain.from_iterable(_src_sizes(part) for part in self.parts)),
            sum(part.num_edges for part in self.parts),
            self.parts[0].device,
        )

    def _make_edge_index(self) -> Tensor:
        # [2, parts]; row 0 counts sources and row 1 destinations, as the rows of edge_index hold them.
        num_nodes = torch.tensor(
            [[part.num_src for part in self.parts], [part.num_dst for part in self.parts]], device=self.device
        )
        num_edges = torch.tensor([part.num_edges for part in self.parts], device=self.device)
        before = num_nodes.cumsum(1) - num_nodes
        edge_index = torch.cat([part.edge_index for part in self.parts], dim=1)
        return edge_index + before.repeat_interleave(num_edges, dim=1, output_size=self.num_edges)

    def _map(self, change: Callable[[Tensor], Tensor], device: torch.device) -> Self:
        graph = super()._map(change, device)
        graph.parts = tuple(part._map(change, device) for part in self.parts)
        return graph


def batch(graphs: Iterable[Graph]) -> Packed:
    """The disjoint union of graphs: one graph that holds them side by side, as a PyG batch does.

    Nodes and edges of the first graph come first, then those of the second, ...; so node features and edge
    features of the whole are those of the parts under one another.

    Args:
        graphs: one graph or more, on one device. Batches among them are opened, not nested.

    Returns:
        A graph of the same kind, where all are of one kind (`Complete`, `Window`, ...) with equal options; a
        `Batch` otherwise. Edges are not made before they are asked for.

    Raises:
        TypeError: something else than a `Graph` is among them.
        ValueError: there is none, or they are on different devices.

    Example:
        >>> import torch
        >>> from graphattn.graph import complete
        >>> both = batch([Graph(torch.tensor([[0, 1], [1, 0]])), Graph(torch.tensor([[1], [0]]), num_nodes=3)])
        >>> both, both.batch
        (Batch(num_graphs=2, num_nodes=5, num_edges=3), tensor([0, 0, 1, 1, 1]))
        >>> both.edge_index
        tensor([[0, 1, 3],
                [1, 0, 2]])
        >>> batch([complete(2), complete(3)])
        Complete(num_graphs=2, num_nodes=5, num_edges=13)
    """
    parts: list[Graph] = []
    for graph in graphs:
        if not isinstance(graph, Graph):
            raise TypeError(f"graphs must hold Graph objects, got {type(graph).__name__}")
        parts.extend(graph.parts if isinstance(graph, Batch) else [graph])
    check_together("graphs", parts)
    first = parts[0]
    if isinstance(first, GraphKind):
        alike = [part for part in parts if isinstance(part, type(first)) and part.options == first.options]
        if len(alike) == len(parts):
            return type(first).join(alike)
    return Batch(parts)


def check_together(name: str, parts: Sequence[Graph]) -> None:
    """Check that there is a graph, and that all are on one device.

    Raises:
        ValueError: otherwise.
    """
    if not parts:
        raise ValueError(f"{name} must hold at least one graph, got none")
    devices = {str(part.device) for part in parts}
    if len(devices) > 1:
        raise ValueError(f"{name} must be on one device, got {' and '.join(sorted(devices))}")


def _dst_sizes(part: Graph) -> tuple[int, ...]:
    return part.dst_sizes if isinstance(part, Packed) else (part.num_dst,)


def _src_sizes(part: Graph) -> tuple[int, ...]:
    return part.src_sizes if isinstance(part, Packed) else (part.num_src,)
