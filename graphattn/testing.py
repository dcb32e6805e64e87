"""Graphs that break careless code, and the symmetries that every layer on graphs has: for tests of any layer.

A layer here is a function `fn(x, graph)`, or `fn(x, graph, edge_attr)` where it takes edge features, that returns
one row for each node. Switch dropout off (`layer.eval()`) before asserting anything about it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.testing import assert_close

from graphattn.graph import (
    Graph,
    batch,
    bipartite,
    causal,
    complete,
    dilated,
    expander,
    grid,
    hub,
    knn,
    lsh,
    radius,
    random_regular,
    strided,
    union,
    window,
)

Case = tuple[Tensor, Graph] | tuple[Tensor, Graph, Tensor]


def zoo() -> dict[str, Graph]:
    """Small graphs that between them hold what goes wrong: by name, newly built at each call.

    Empty graphs, isolated nodes, self-loops, duplicate edges, hubs, sizes that are no powers of two, edges in no
    order, different numbers of destinations and sources, several components, and each kind of graph that there is.

    >>> zoo()["hub"]
    Graph(num_nodes=71, num_edges=140)
    """
    drawn = torch.Generator().manual_seed(0)

    def draw(size: int, num_edges: int) -> Tensor:
        return torch.randint(size, (num_edges,), generator=drawn, device="cpu")

    leaves, center = torch.arange(1, 71, device="cpu"), torch.zeros(70, dtype=torch.int64, device="cpu")
    return {
        "empty": _graph([], 0),
        "no_edges": _graph([], 5),
        "single_node": _graph([], 1),
        "self_loop": _graph([(0, 0)], 1),
        "isolated_nodes": _graph([(1, 3), (3, 1), (5, 3)], 7),
        "duplicate_edges": _graph([(0, 1), (2, 1), (0, 1), (0, 1), (1, 2), (2, 1)], 3),
        "path": _graph([(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2)], 4),
        "two_components": _graph([(0, 1), (1, 2), (2, 0), (3, 4), (4, 3)], 5),
        "hub": Graph(torch.stack([torch.cat([leaves, center]), torch.cat([center, leaves])]), 71),
        "unsorted": Graph(torch.stack([draw(13, 61), draw(13, 61)]), 13),
        "more_sources": Graph(torch.stack([draw(11, 17), draw(3, 17)]), num_dst=3, num_src=11),
        "more_destinations": Graph(torch.stack([draw(3, 17), draw(11, 17)]), num_dst=11, num_src=3),
        "no_sources": Graph(torch.empty(2, 0, dtype=torch.int64, device="cpu"), num_dst=3, num_src=0),
        "no_destinations": Graph(torch.empty(2, 0, dtype=torch.int64, device="cpu"), num_dst=0, num_src=3),
        "complete": complete(7),
        "complete_batch": complete([3, 0, 5]),
        "causal": causal(7),
        "window": window(11, radius=2, dilation=2),
        "dilated": dilated(11, radius=1, dilation=3, border="periodic"),
        "strided": strided([7, 5], stride=3, causal=True),
        "grid": grid((3, 5), kernel_size=3, border="shift"),
        "volume": grid([(2, 2, 3), (1, 2, 2)], kernel_size=(3, 2, 5)),
        "bipartite": bipartite([2, 3], [5, 1]),
        "hubs": hub([5, 3], hubs=[0, 2]),
        "random_regular": random_regular([7, 5], degree=3, generator=drawn, device="cpu"),
        "expander": expander(9, degree=4, generator=drawn),
        "knn": knn(torch.randn(11, 3, generator=drawn, dtype=torch.float32, device="cpu"), k=3),
        "radius": radius(torch.randn(11, 2, generator=drawn, dtype=torch.float32, device="cpu"), r=1.0),
        "lsh": lsh(
            torch.randn(13, 4, generator=drawn, dtype=torch.float32, device="cpu"), num_buckets=4, generator=drawn
        ),
        "batch": batch([complete(3), _graph([(1, 0), (0, 1)], 3)]),
        "union": union(window(5, radius=1), _graph([(0, 4), (4, 0), (1, 0)], 5)),
    }


def assert_node_permutation_equivariant(
    fn: Callable[..., Tensor],
    x: Tensor,
    graph: Graph,
    edge_attr: Tensor | None = None,
    *,
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    """Assert that renumbering the nodes renumbers the rows of the output, and does nothing else.

    fn(P x, P graph) = P fn(x, graph)    for a random permutation P of the nodes

    Args:
        fn: a layer, `fn(x, graph)` or `fn(x, graph, edge_attr)`.
        x: node features, `[N, ...]`.
        graph: a graph with equally many sources and destinations.
        edge_attr: edge features, `[E, ...]`; given to `fn` where not None.
        rtol: relative tolerance, as in `torch.testing.assert_close`, with `atol`; by dtype when None.
        atol: absolute tolerance; give both or neither.

    Raises:
        AssertionError: it does something else.

    Example:
        >>> def mean(x, graph):
        ...     adjacency = graph.to_torch_sparse().to_dense()
        ...     return adjacency @ x / adjacency.sum(1, keepdim=True).clamp(min=1)
        >>> assert_node_permutation_equivariant(mean, torch.arange(4.0).view(4, 1), zoo()["path"])
    """
    order = _shuffled(graph.num_nodes, graph.device)
    permuted = Graph(order.argsort()[graph.edge_index], graph.num_nodes)
    out = fn(*_case(x, graph, edge_attr))
    out_permuted = fn(*_case(x[order], permuted, edge_attr))
    assert_close(
        out_permuted,
        out[order],
        rtol=rtol,
        atol=atol,
        msg=lambda detail: f"not equivariant to a permutation of the nodes: {detail}",
    )


def assert_edge_order_invariant(
    fn: Callable[..., Tensor],
    x: Tensor,
    graph: Graph,
    edge_attr: Tensor | None = None,
    *,
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    """Assert that the order in which the edges are listed does not matter.

    fn(x, graph, e) = fn(x, graph with edges P, P e)    for a random permutation P of the edges

    Args:
        fn: a layer, `fn(x, graph)` or `fn(x, graph, edge_attr)`.
        x: node features, `[N, ...]`.
        graph: any graph.
        edge_attr: edge features, `[E, ...]`; given to `fn` where not None.
        rtol: relative tolerance, as in `torch.testing.assert_close`, with `atol`; by dtype when None.
        atol: absolute tolerance; give both or neither.

    Raises:
        AssertionError: it matters.

    Example:
        >>> def weighted_sum(x, graph, weight):
        ...     return graph.to_torch_sparse(edge_weight=weight).to_dense() @ x
        >>> graph = zoo()["path"]
        >>> assert_edge_order_invariant(weighted_sum, torch.arange(4.0).view(4, 1), graph, torch.arange(6.0))
    """
    order = _shuffled(graph.num_edges, graph.device)
    shuffled = Graph(graph.edge_index[:, order], num_dst=graph.num_dst, num_src=graph.num_src)
    out = fn(*_case(x, graph, edge_attr))
    out_shuffled = fn(*_case(x, shuffled, None if edge_attr is None else edge_attr[order]))
    assert_close(
        out_shuffled,
        out,
        rtol=rtol,
        atol=atol,
        msg=lambda detail: f"not invariant to the order of the edges: {detail}",
    )


def assert_batch_equals_separate(
    fn: Callable[..., Tensor], cases: Sequence[Case], *, rtol: float | None = None, atol: float | None = None
) -> None:
    """Assert that graphs in one batch do not see one another.

    fn(x_0 over x_1 over ..., batch([graph_0, graph_1, ...])) = fn(x_0, graph_0) over fn(x_1, graph_1) over ...

    Args:
        fn: a layer, `fn(x, graph)` or `fn(x, graph, edge_attr)`.
        cases: its arguments for each graph: `(x, graph)` or `(x, graph, edge_attr)`; one or more.
        rtol: relative tolerance, as in `torch.testing.assert_close`, with `atol`; by dtype when None.
        atol: absolute tolerance; give both or neither.

    Raises:
        AssertionError: they do.

    Example:
        >>> def total(x, graph):
        ...     return graph.to_torch_sparse().to_dense() @ x
        >>> graphs = zoo()
        >>> cases = [(torch.ones(4, 1), graphs["path"]), (torch.ones(5, 1), graphs["no_edges"])]
        >>> assert_batch_equals_separate(total, cases)
    """
    separate = torch.cat([fn(*case) for case in cases])
    xs, graphs, *edge_attrs = zip(*cases, strict=True)
    together = fn(torch.cat(xs), batch(graphs), *(torch.cat(edge_attr) for edge_attr in edge_attrs))
    assert_close(
        together,
        separate,
        rtol=rtol,
        atol=atol,
        msg=lambda detail: f"graphs in one batch do not give what they give alone: {detail}",
    )


def _graph(edges: list[tuple[int, int]], num_nodes: int) -> Graph:
    """The graph of pairs (source, destination)."""
    return Graph(torch.tensor(edges, dtype=torch.int64, device="cpu").view(-1, 2).t().contiguous(), num_nodes)


def _case(x: Tensor, graph: Graph, edge_attr: Tensor | None) -> Case:
    return (x, graph) if edge_attr is None else (x, graph, edge_attr)


def _shuffled(size: int, device: torch.device) -> Tensor:
    """A fixed permutation for each size, not the identity, independent of the global random state."""
    order = torch.randperm(size, generator=torch.Generator().manual_seed(0), device="cpu")
    moved = order if not torch.equal(order, torch.arange(size, device="cpu")) else order.flip(0)
    return moved.to(device)
