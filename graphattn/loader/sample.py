"""Sampling the neighborhood of seed nodes, hop by hop, over one or several types of nodes and edges."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from graphattn.loader import kernels
from graphattn.loader.hash_table import NONE, Ints, Numbering

NodeT = TypeVar("NodeT", bound=Hashable)
EdgeT = TypeVar("EdgeT", bound=Hashable)
NO_WEIGHTS = np.empty(0, np.float64)


class Relation(NamedTuple):
    """The edges of one type, grouped by destination."""

    source: Hashable
    """The type of the nodes they come from."""
    destination: Hashable
    """The type of the nodes they go to."""
    colptr: NDArray[Any]
    """Where the edges into each destination begin, `[M + 1]`."""
    row: NDArray[Any]
    """Their sources, `[E]`."""
    weight: NDArray[np.float64]
    """How likely each is, up to a factor, `[E]`; empty for alike."""
    time: Ints
    """The time of each edge, `[E]`, or of each source, `[N]`; empty without times."""
    time_is_of_edges: bool


@dataclass(frozen=True)
class Rules:
    """How neighbors are chosen."""

    replace: bool
    """with replacement"""
    disjoint: bool
    """a sample for each seed, that shares no node with another's"""
    last: bool
    """the latest neighbors, instead of any with equal probability"""
    induced: bool
    """all edges between the nodes of the sample, not only those that led to them"""


@dataclass
class Sampled:
    """A sample: nodes by type and edges by type."""

    nodes: dict[Any, Ints] = field(default_factory=dict)
    batch: dict[Any, Ints] = field(default_factory=dict)
    row: dict[Any, Ints] = field(default_factory=dict)
    col: dict[Any, Ints] = field(default_factory=dict)
    edge: dict[Any, Ints] = field(default_factory=dict)
    nodes_of_hop: dict[Any, list[int]] = field(default_factory=dict)
    edges_of_hop: dict[Any, list[int]] = field(default_factory=dict)


def sample(
    relations: Mapping[Any, Relation],
    num_nodes: Mapping[Any, int],
    fanout: Mapping[Any, list[int]],
    seeds: Mapping[Any, Ints],
    seed_times: Mapping[Any, Ints],
    rules: Rules,
    key: int,
) -> Sampled:
    """Sample up to `fanout[type][hop]` in-neighbors of each node that the hop before has found, beginning at the seeds.

    Args:
        relations: the edges of each type.
        num_nodes: how many nodes each type has.
        fanout: for each type of edges the number of neighbors in each hop, -1 for all.
        seeds: the nodes to begin with, by type.
        seed_times: where neighbors are bound in time, the latest time for each seed's sample.
        rules: how neighbors are chosen.
        key: what the random choices depend on.

    Returns:
        The sample. Nodes are numbered in the order they were found, seeds first; edges are in order of destination.
    """
    tables = {name: Numbering(count, rules.disjoint) for name, count in num_nodes.items()}
    times = _begin(tables, seeds, seed_times, rules.disjoint)
    begin = dict.fromkeys(tables, 0)
    nodes_of_hop = {name: [table.count] for name, table in tables.items()}
    found: dict[Any, list[tuple[Ints, Ints, Ints]]] = {name: [] for name in relations}
    for hop in range(max(map(len, fanout.values()), default=0)):
        end = {name: table.count for name, table in tables.items()}
        for number, (name, relation) in enumerate(relations.items()):
            first, last = begin[relation.destination], end[relation.destination]
            step = int(kernels.mix(np.uint64(key) ^ np.uint64(hop * len(relations) + number)))
            found[name].append(_hop(relation, tables, first, last, times, fanout[name][hop], rules, step))
        begin = end
        for name, table in tables.items():
            nodes_of_hop[name].append(table.count - end[name])
    result = Sampled(nodes_of_hop=nodes_of_hop)
    for name, table in tables.items():
        result.nodes[name] = table.nodes
        if rules.disjoint:
            result.batch[name] = table.batch
    for name, relation in relations.items():
        if rules.induced:
            source, destination = tables[relation.source], tables[relation.destination]
            parts = [_induced(relation, source, destination)]
        else:
            parts = found[name]
            result.edges_of_hop[name] = [row.size for row, _, _ in parts]
        columns = [np.concatenate(column) if column else NONE for column in zip(*parts, strict=True)] or [NONE] * 3
        result.row[name], result.col[name], result.edge[name] = columns
    return result


def _begin(
    tables: Mapping[Any, Numbering], seeds: Mapping[Any, Ints], seed_times: Mapping[Any, Ints], disjoint: bool
) -> Ints:
    """Enter the seeds, and return the time of each batch."""
    before, times = 0, []
    for name, nodes in seeds.items():
        _check_seeds(name, nodes, tables[name].num_nodes)
        batch = np.arange(before, before + nodes.size) if disjoint else NONE
        tables[name].add(nodes, batch)
        before += nodes.size
        if name in seed_times:
            times.append(seed_times[name])
    return np.concatenate(times) if times else NONE


def _check_seeds(name: Any, nodes: Ints, num_nodes: int) -> None:
    if nodes.size and (nodes.min() < 0 or nodes.max() >= num_nodes):
        wrong = nodes.min() if nodes.min() < 0 else nodes.max()
        of = "" if name is None else f" of type '{name}'"
        raise ValueError(f"cannot sample around node {wrong}{of}: the graph has nodes 0 to {num_nodes - 1}")


def _hop(
    relation: Relation,
    tables: Mapping[Any, Numbering],
    first: int,
    last: int,
    times: Ints,
    most: int,
    rules: Rules,
    key: int,
) -> tuple[Ints, Ints, Ints]:
    """Sample in-neighbors of the destinations numbered `first` to `last`: sources, destinations, positions of edges."""
    table = tables[relation.destination]
    nodes = table.nodes[first:last]
    if nodes.size == 0 or most == 0:
        return NONE, NONE, NONE
    batch = table.batch[first:last] if rules.disjoint else NONE
    bounded = times.size > 0 and relation.time.size > 0
    ends = kernels.allowed_ends(
        relation.colptr,
        nodes,
        times[batch] if bounded else NONE,
        relation.time if bounded else NONE,
        relation.time_is_of_edges,
        relation.row,
    )
    starts = kernels.count_picks(relation.colptr, nodes, ends, relation.weight, most, rules.replace)
    numbers = np.arange(first, last)
    picks = kernels.pick(
        relation.colptr, nodes, ends, starts, relation.weight, rules.replace, rules.last, np.uint64(key), numbers
    )
    owner = kernels.owners(starts)
    local = tables[relation.source].renumber(relation.row, picks, owner, batch)
    return local, owner + first, picks


def _induced(relation: Relation, source: Numbering, destination: Numbering) -> tuple[Ints, Ints, Ints]:
    found: tuple[Ints, Ints, Ints] = kernels.induced(
        source.keys,
        source.numbers,
        relation.colptr,
        relation.row,
        destination.nodes,
        destination.batch,
        source.num_nodes,
    )
    return found
