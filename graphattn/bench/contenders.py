"""The ways to compute the same attention that are measured side by side."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import torch
from torch import Tensor

from graphattn.graph import Graph
from graphattn.ops.attention import attention

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


def _ours(graph: Graph) -> Attend:
    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        out = attention(q, k, v, graph)
        assert isinstance(out, Tensor)
        return out

    return attend


def _plain_torch(graph: Graph) -> Attend:
    """Gather, softmax, scatter: what one writes without a library."""
    src, dst = graph.edge_index

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = (q[dst] * k[src]).sum(-1) * q.shape[-1] ** -0.5
        index = dst[:, None].expand_as(scores)
        top = torch.full(q.shape[:2], -torch.inf).scatter_reduce(0, index, scores.detach(), "amax")
        weights = (scores - top[dst]).exp()
        total = torch.zeros(q.shape[:2]).index_add(0, dst, weights)
        weights = weights / total[dst]
        return torch.zeros_like(q).index_add(0, dst, weights.unsqueeze(-1) * v[src])

    return attend


def _pyg(graph: Graph) -> Attend:
    """The message and aggregation of PyG's TransformerConv."""
    from torch_geometric.utils import scatter, softmax

    src, dst = graph.edge_index

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        weights = softmax((q[dst] * k[src]).sum(-1) * q.shape[-1] ** -0.5, dst, num_nodes=graph.num_dst)
        return scatter(v[src] * weights.unsqueeze(-1), dst, dim=0, dim_size=graph.num_dst, reduce="sum")

    return attend


def _torch_scatter(graph: Graph) -> Attend:
    """Segment reductions of torch-scatter over edges sorted by destination."""
    from torch_scatter import gather_csr, segment_csr

    src, dst = graph.csr.indices.long(), graph.csr.rows().long()
    indptr = graph.csr.indptr.long()

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = (q[dst] * k[src]).sum(-1) * q.shape[-1] ** -0.5
        weights = (scores - gather_csr(segment_csr(scores.detach(), indptr, reduce="max"), indptr)).exp()
        weights = weights / gather_csr(segment_csr(weights, indptr, reduce="sum"), indptr)
        return segment_csr(weights.unsqueeze(-1) * v[src], indptr, reduce="sum")

    return attend


_ALL: dict[str, tuple[Callable[[Graph], Attend], str | None]] = {
    "graphattn": (_ours, None),
    "plain torch": (_plain_torch, None),
    "PyG": (_pyg, "torch_geometric"),
    "torch-scatter": (_torch_scatter, "torch_scatter"),
}


def available() -> list[str]:
    """The contenders whose packages are installed, ours first."""
    return [name for name, (_, needs) in _ALL.items() if needs is None or importlib.util.find_spec(needs)]


def prepare(name: str, graph: Graph) -> Attend:
    """The function of that contender on one graph."""
    return _ALL[name][0](graph)
