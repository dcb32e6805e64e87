"""What kinds of graph should hold, written out in loops."""

import torch


def check_edges(graph, neighbors):
    """Check a kind of graph against the sources that each destination sees, and the order they come in."""
    expected = [(j, i) for i, seen in enumerate(neighbors) for j in sorted(seen)]
    assert graph.num_edges == len(expected)
    assert graph.num_dst == len(neighbors)
    assert graph.csr.perm is None
    assert graph.csr.indptr.dtype == graph.csr.indices.dtype == torch.int32
    assert list(map(tuple, graph.edge_index.t().tolist())) == expected
    graph.validate()


def pack(neighbors_of_each, sizes=None):
    """The neighbors in a batch, from those in each graph; sizes count the sources, where they are not the rows."""
    packed, before = [], 0
    for number, neighbors in enumerate(neighbors_of_each):
        packed += [[before + j for j in seen] for seen in neighbors]
        before += len(neighbors) if sizes is None else sizes[number]
    return packed


def axis(n, left, right, dilation, border):
    """The positions that each position along one axis sees, one at a time."""
    if border == "truncate":
        return [[j for t in range(-left, right + 1) if 0 <= (j := i + t * dilation) < n] for i in range(n)]
    if border == "periodic":
        return [[(i + t * dilation) % n for t in range(-left, right + 1)] for i in range(n)]
    shifted = []
    for i in range(n):
        group = [j for j in range(n) if j % dilation == i % dilation]
        place = group.index(i)
        windows = range(len(group) - left - right)  # where a window may begin; the one most nearly around i
        begin = min(windows, key=lambda w: abs(w + left - place))
        shifted.append(group[begin : begin + left + 1 + right])
    return shifted
