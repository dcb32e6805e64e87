"""The pairs of relations and nodes that occur among the edges, so that nodes are mapped per pair, not per edge."""

from typing import NamedTuple

import torch
from torch import Tensor

from graphattn.graph import Graph, as_graph
from graphattn.graph.memo import PerTensor
from graphattn.graph.torch_modes import has_values, is_mapped, unwrapped


class Pairs(NamedTuple):
    """The distinct pairs (relation, node) among some edges, relation by relation."""

    node: Tensor
    """The node of each pair, `[P]`."""
    counts: list[int]
    """The number of pairs of each relation."""
    of_edge: Tensor
    """The pair of each edge, `[E]`."""

    def mapped(self, x: Tensor, weight: Tensor) -> Tensor:
        """W_r x of each pair, `[P, D]`, from x `[N, F]` and W `[R, F, D]` or, in blocks, `[R, B, F / B, D / B]`."""
        rows = x.index_select(0, self.node).split(self.counts)
        if weight.ndim == 4:
            parts = [
                torch.einsum("pbf,bfd->pbd", row.unflatten(1, weight.shape[1:3]), each).flatten(1)
                for row, each in zip(rows, weight, strict=True)
            ]
        else:
            parts = [row @ each for row, each in zip(rows, weight, strict=True)]
        return torch.cat(parts)


class Relations(NamedTuple):
    """The edges of a graph, grouped by relation."""

    sources: Pairs
    destinations: Pairs
    graph: Graph
    """From pairs (relation, source) to destinations, in the order of the edges."""
    within: Graph
    """From pairs (relation, source) to pairs (relation, destination)."""


_known: PerTensor[Relations] = PerTensor()


def relations_of(graph: Graph, edge_type: Tensor, num_relations: int) -> Relations:
    """Group the edges of a graph by relation; cached per `edge_type` tensor and graph.

    Raises:
        ValueError: `edge_type` is not one relation below `num_relations` per edge.
        TypeError: it does not hold integers.
    """
    if not has_values(edge_type) or graph.is_mapped or is_mapped(edge_type):
        return _traced_relations(graph, edge_type.long(), num_relations)
    # The cached value keeps the graph alive, so its id stays unique.
    key = id(graph), num_relations
    return _known.get(edge_type, key, lambda edge_type: _sort(graph, edge_type, num_relations))


def _sort(graph: Graph, edge_type: Tensor, num_relations: int) -> Relations:
    if edge_type.shape != (graph.num_edges,):
        raise ValueError(f"edge_type must have shape [{graph.num_edges}], got {list(edge_type.shape)}")
    if edge_type.is_floating_point():
        raise TypeError(f"edge_type must hold integers, got {edge_type.dtype}")
    if edge_type.numel():
        lowest, highest = torch.stack(edge_type.aminmax()).tolist()
        if lowest < 0 or highest >= num_relations:
            raise ValueError(
                f"edge_type must hold relations from 0 to {num_relations - 1}, got {lowest if lowest < 0 else highest}"
            )
    src, dst = graph.edge_index
    relation = unwrapped(edge_type).long()
    sources = _pairs(relation, src, graph.num_src, num_relations)
    destinations = _pairs(relation, dst, graph.num_dst, num_relations)
    return _relations(sources, destinations, dst, graph.num_dst)


def _relations(sources: Pairs, destinations: Pairs, dst: Tensor, num_dst: int) -> Relations:
    edges, within = torch.stack([sources.of_edge, dst]), torch.stack([sources.of_edge, destinations.of_edge])
    num_src = sources.node.shape[0]
    graphs = as_graph(edges, num_dst, num_src), as_graph(within, destinations.node.shape[0], num_src)
    return Relations(sources, destinations, *graphs)


def _traced_relations(graph: Graph, edge_type: Tensor, num_relations: int) -> Relations:
    """All pairs (relation, node), for traced programs, where the pairs that occur are unknown."""
    src, dst = graph.edge_index

    def pairs(node: Tensor, num_nodes: int) -> Pairs:
        nodes = torch.arange(num_nodes, device=node.device).repeat(num_relations)
        return Pairs(nodes, [num_nodes] * num_relations, edge_type * num_nodes + node)

    return _relations(pairs(src, graph.num_src), pairs(dst, graph.num_dst), dst, graph.num_dst)


def _pairs(relation: Tensor, node: Tensor, num_nodes: int, num_relations: int) -> Pairs:
    keys, of_edge = (relation * max(num_nodes, 1) + node).unique(return_inverse=True)
    counts = (keys // max(num_nodes, 1)).bincount(minlength=num_relations)
    return Pairs(keys % max(num_nodes, 1), counts.tolist(), of_edge)
