"""Hypothesis strategies: graphs that hold what breaks careless code."""

import torch
from hypothesis import strategies as st

from graphattn.graph import Graph


@st.composite
def graphs(draw, max_nodes: int = 11, max_edges: int = 37, bipartite: bool = False) -> Graph:
    """Graphs with 0 to `max_nodes` nodes and 0 to `max_edges` edges.

    Few nodes and many edges make duplicates, self-loops and isolated nodes likely; beside edges drawn freely there
    are hubs (one destination has all edges), edges that are in CSR order already, and transposed tensors in memory.
    With `bipartite`, destinations and sources are counted apart, and either may be none.
    """
    num_dst = draw(st.integers(0, max_nodes))
    num_src = draw(st.integers(0, max_nodes)) if bipartite else num_dst
    if num_dst == 0 or num_src == 0:
        edges = []
    else:
        hub = draw(st.none() | st.integers(0, num_dst - 1))
        destination = st.integers(0, num_dst - 1) if hub is None else st.just(hub)
        edges = draw(st.lists(st.tuples(st.integers(0, num_src - 1), destination), max_size=max_edges))
    if draw(st.booleans()):
        edges.sort(key=lambda edge: edge[1])
    edge_index = torch.tensor(edges, dtype=torch.int64).view(-1, 2).t()
    if draw(st.booleans()):
        edge_index = edge_index.contiguous()
    if bipartite:
        return Graph(edge_index, num_dst=num_dst, num_src=num_src)
    return Graph(edge_index, num_dst)
