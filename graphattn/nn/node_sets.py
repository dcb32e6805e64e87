"""The sets of nodes in a batch and the graphs for attention within them, computed once per batch tensor."""

from __future__ import annotations

import torch
from torch import Tensor

from graphattn.graph import Graph, as_graph, bipartite, complete
from graphattn.graph.memo import PerTensor
from graphattn.graph.torch_modes import has_values, refuse_jit_trace


class NodeSets:
    """Sets of nodes that are packed one after another."""

    def __init__(self, sizes: list[int], device: torch.device) -> None:
        self.sizes, self.device = sizes, device
        self._graphs: dict[tuple[int | None, int | None], Graph] = {}

    def graph(self, queries: int | None = None, keys: int | None = None) -> Graph:
        """The graph in which all queries of a set attend to all its keys.

        Args:
            queries: the number of query rows per set; when None, the nodes of the set are the queries.
            keys: the number of key rows per set; when None, the nodes of the set are the keys.
        """
        asked = queries, keys
        if asked not in self._graphs:
            q_sizes, k_sizes = (self.sizes if each is None else [each] * len(self.sizes) for each in asked)
            same = queries == keys
            made = complete(q_sizes, device=self.device) if same else bipartite(q_sizes, k_sizes, device=self.device)
            self._graphs[asked] = made
        return self._graphs[asked]

    def _agrees_with(self, fresh: NodeSets) -> bool:
        """Whether these sets equal freshly computed ones."""
        return self.sizes == fresh.sizes


_node_sets: PerTensor[NodeSets] = PerTensor()
_members: PerTensor[Graph] = PerTensor()


def node_sets_of(batch: Tensor | None, num_nodes: int, num_sets: int | None, device: torch.device) -> NodeSets:
    """The sets given by `batch`, which holds the set index of each node; one set of all nodes when None.

    Raises:
        ValueError: `batch` is not one set index per node, ascending from 0 and below `num_sets`.
    """
    if batch is None:
        return NodeSets([num_nodes], device)
    refuse_jit_trace("sets")
    return _node_sets.get(batch, (num_nodes, num_sets), lambda batch: _read_sets(batch, num_nodes, num_sets, device))


def _read_sets(batch: Tensor, num_nodes: int, num_sets: int | None, device: torch.device) -> NodeSets:
    _check_members("batch", batch, num_nodes, num_sets)
    if not bool((batch[1:] >= batch[:-1]).all()):
        raise ValueError("batch must be sorted: the nodes of one graph lie side by side")
    return NodeSets(batch.long().bincount(minlength=num_sets or 0).tolist(), device)


def members_of(index: Tensor, num_sets: int, *, name: str = "index") -> Graph:
    """The bipartite graph with one edge from each node to its set, in the order of the nodes.

    Raises:
        ValueError: `index` is not one set index from 0 to `num_sets` - 1 per node; the message calls it `name`.
    """
    refuse_jit_trace("sets")
    if not has_values(index):  # traced: the values are checked when the program runs
        nodes = torch.arange(index.shape[0], device=index.device)
        return as_graph(torch.stack([nodes, index]), num_sets, index.shape[0])
    return _members.get(index, num_sets, lambda index: _lead(name, index, num_sets))


def _lead(name: str, index: Tensor, num_sets: int) -> Graph:
    _check_members(name, index, index.shape[0], num_sets)
    nodes = torch.arange(index.shape[0], device=index.device)
    return Graph(torch.stack([nodes, index]), num_dst=num_sets, num_src=index.shape[0])


def _check_members(name: str, index: Tensor, num_nodes: int, num_sets: int | None) -> None:
    if index.shape != (num_nodes,) or index.is_floating_point():
        raise ValueError(
            f"{name} must hold the graph of each node, {num_nodes} integers, got {index.dtype} of {list(index.shape)}"
        )
    if index.numel():
        lowest, highest = torch.stack(index.aminmax()).tolist()
        if lowest < 0 or (num_sets is not None and highest >= num_sets):
            wrong = lowest if lowest < 0 else highest
            limit = "" if num_sets is None else f" and below {num_sets}"
            raise ValueError(f"{name} must hold graphs counted from 0{limit}, got {wrong}")
