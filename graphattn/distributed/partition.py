"""Spreading a graph over processes."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from graphattn.distributed.agree import agree, all_or_none
from graphattn.distributed.part import Part
from graphattn.graph import owners
from graphattn.graph.compressed import Compressed
from graphattn.graph.graph import Graph


def partition(
    graph: Graph | Any,
    group: Any = None,
    *,
    method: str | Tensor = "balanced",
    src_owner: Tensor | None = None,
) -> Part:
    """Spread a graph over the processes of a group, and return this process's part.

    Each process owns some nodes and all edges into them, as destinations; it asks the owners of other sources for
    what it needs of them. To be called on every process, with the same graph. What is exchanged is worked out here,
    once.

    Args:
        graph: a `Graph`, or an `OnDiskGraph`, of which each process reads its own edges only.
        group: a process group, or a one-dimensional `DeviceMesh`; the default group when None.
        method: "balanced" (consecutive nodes, about as many edges each), "metis" (few edges between parts; needs
            pymetis; one process computes it), or the owner of each destination, `[M]` integers.
        src_owner: the owner of each source, `[N]`, where sources are a set of their own; consecutive ones when None.

    Returns:
        The part of this process.

    Raises:
        RuntimeError: no process group.
        ValueError: an unknown method, owners that are no process or do not cover the nodes, or processes that were
            given different graphs. Every process raises.
        ImportError: "metis" without pymetis.

    Example:
        >>> import torch.distributed as dist
        >>> dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
        >>> part = partition(Graph(torch.tensor([[0, 1], [1, 2]]), num_nodes=3))
        >>> part
        Part(rank=0 of 1, nodes=3 of 3, edges=2 of 2, halo=0)
        >>> dist.destroy_process_group()
    """
    if not (dist.is_available() and dist.is_initialized()):
        raise RuntimeError("partition needs a process group: start with torchrun and call init_process_group first")
    group = group.get_group() if hasattr(group, "get_group") else group
    rank, size = dist.get_rank(group), dist.get_world_size(group)
    whole = graph if isinstance(graph, Graph) else None
    with all_or_none(group):
        csr, order, num_src = _compressed(graph)
        num_dst = csr.indptr.numel() - 1
        if isinstance(method, str) and method not in ("balanced", "metis"):
            raise ValueError(f'method must be "balanced", "metis" or the owner of each node, got {method!r}')
    agree(group, "the graph", (num_dst, num_src, csr.indices.numel(), _digest(csr)))
    with all_or_none(group):
        if not isinstance(method, str):
            owner = owners.check_given(method, num_dst, size)
        elif method == "balanced":
            owner = owners.balanced(csr.indptr, size)
        else:
            owner = owners.metis(csr, size) if rank == 0 else torch.empty(num_dst, dtype=torch.int64)
        if src_owner is not None:
            owner_of_source = owners.check_given(src_owner, num_src, size)
        elif num_src == num_dst:
            owner_of_source = owner
        else:
            owner_of_source = owners.balanced(torch.arange(num_src + 1), size)
    if isinstance(method, str) and method == "metis":
        dist.broadcast(owner, group=group, group_src=0)
    agree(group, "the partition", (int((owner * torch.arange(1, num_dst + 1)).sum()), int(owner_of_source.sum())))
    return _make_part(csr, order, owner, owner_of_source, rank, size, group, whole)


def _compressed(graph: Any) -> tuple[Compressed, Tensor | None, int]:
    """The edges by destination, the place of each in `edge_index` (None for the same), and the number of sources."""
    if isinstance(graph, Graph):
        graph = graph.to("cpu")
        return graph.csr, graph.csr.perm, graph.num_src
    return graph.graph.csr, torch.from_numpy(graph.edge_id), graph.num_nodes


def _digest(csr: Compressed) -> int:
    """A number that differs, almost surely, between graphs; of a large graph, a sample of its edges."""
    step = max(1, csr.indices.numel() // 2**16)
    places = torch.arange(0, csr.indices.numel(), step)
    mixed = (csr.indices[places].to(torch.int64) + 1) * (places + 1) * 0x9E3779B1
    return int(mixed.sum()) ^ int(csr.indptr[:: max(1, csr.indptr.numel() // 2**16)].to(torch.int64).sum())


def _make_part(
    csr: Compressed,
    order: Tensor | None,
    owner: Tensor,
    owner_of_source: Tensor,
    rank: int,
    size: int,
    group: Any,
    whole: Graph | None,
) -> Part:
    nodes = (owner == rank).nonzero().squeeze(1)
    src_nodes = (owner_of_source == rank).nonzero().squeeze(1)
    starts = csr.indptr.to(torch.int64)
    degree = starts[nodes + 1] - starts[nodes]
    indptr = torch.cat([degree.new_zeros(1), degree.cumsum(0)])
    places = torch.arange(int(indptr[-1])) + (starts[nodes] - indptr[:-1]).repeat_interleave(degree)
    sources = csr.indices[places].to(torch.int64)
    wanted = sources[owner_of_source[sources] != rank].unique()
    halo_nodes = wanted[owner_of_source[wanted].argsort(stable=True)]
    number = torch.empty(owner_of_source.numel(), dtype=torch.int64)
    number[src_nodes] = torch.arange(src_nodes.numel())
    number[halo_nodes] = torch.arange(src_nodes.numel(), src_nodes.numel() + halo_nodes.numel())
    receive_counts = torch.bincount(owner_of_source[halo_nodes], minlength=size)
    destinations = torch.arange(nodes.numel()).repeat_interleave(degree)
    edge_index = torch.stack([number[sources], destinations])
    local = Graph._checked(edge_index, nodes.numel(), src_nodes.numel() + halo_nodes.numel())
    asked = _ask(halo_nodes, receive_counts, group)
    return Part(
        rank,
        group,
        owner.numel(),
        owner_of_source.numel(),
        csr.indices.numel(),
        nodes,
        src_nodes,
        halo_nodes,
        local,
        places if order is None else order[places].to(torch.int64),
        places,
        [number[each] for each in asked],
        receive_counts.tolist(),
        whole,
        owner,
    )


def _ask(halo_nodes: Tensor, receive_counts: Tensor, group: Any) -> list[Tensor]:
    """Tell each process which of its sources are needed, and hear which of one's own."""
    send_counts = torch.empty_like(receive_counts)
    dist.all_to_all_single(send_counts, receive_counts, group=group)
    asked = halo_nodes.new_empty(int(send_counts.sum()))
    dist.all_to_all_single(asked, halo_nodes, send_counts.tolist(), receive_counts.tolist(), group=group)
    return list(asked.split(send_counts.tolist()))
