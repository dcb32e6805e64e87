"""What the processes of a team do in the tests of graphattn.distributed."""

import os

import torch
import torch.nn.functional as F
from torch import nn

import graphattn as ga
from graphattn import distributed as gd
from graphattn import nn as gnn

N, E, H, D = 37, 240, 4, 6


def make_graph(kind="random"):
    generator = torch.Generator().manual_seed(5)
    edges = torch.randint(N, (2, E), generator=generator)
    if kind == "bipartite":
        return ga.Graph(torch.stack([edges[0] % 23, edges[1]]), num_dst=N, num_src=23)
    if kind == "sparse":  # most nodes have no edge
        return ga.Graph(edges[:, :9] % 7, num_nodes=N)
    return ga.Graph(edges, num_nodes=N)


def owners(name, size):
    if name == "odd":  # the last process owns nothing, where there is more than one
        return torch.arange(N) * 7 % max(1, size - 1)
    return name


def make_tensors(graph, score, edges):
    generator = torch.Generator().manual_seed(1)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    width = () if score == "sum" else (D,)
    tensors = {
        "q": draw(graph.num_dst, H, *width),
        "k": draw(graph.num_src, H // 2 if score == "dot" else H, *width),
        "v": draw(graph.num_src, H // 2 if score == "dot" else H, D),
    }
    if edges:
        tensors["edge_bias"] = draw(graph.num_edges, H)
        tensors["edge_value"] = draw(graph.num_edges, H, D)
    return tensors


def compare(group, kind, method, options, edges=False, seed=0):
    """The largest differences between one process's result and gradients and those of several."""
    graph = make_graph(kind)
    options = dict(options)
    exchange = options.pop("exchange", "auto")
    tensors = make_tensors(graph, options.get("score", "dot"), edges)
    whole = {name: x.requires_grad_() for name, x in tensors.items()}
    torch.manual_seed(seed)
    expected = ga.attention(graph=graph, **whole, **options)
    cotangent = torch.randn(expected.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    wanted = torch.autograd.grad(expected, list(whole.values()), cotangent, allow_unused=True)

    size = torch.distributed.get_world_size(group)
    part = gd.partition(graph, group, method=owners(method, size))
    shard = {"q": part.shard, "k": part.shard_sources, "v": part.shard_sources}
    mine = {name: shard.get(name, part.shard_edges)(x.detach()).requires_grad_() for name, x in tensors.items()}
    torch.manual_seed(seed)
    out = gd.attention(part=part, exchange=exchange, **mine, **options)
    found = torch.autograd.grad(out, list(mine.values()), part.shard(cotangent), allow_unused=True)
    differences = [_apart(out, part.shard(expected))]
    for name, got, want in zip(tensors, found, wanted, strict=True):
        if want is not None:
            differences.append(_apart(got, shard.get(name, part.shard_edges)(want)))
    return max(differences), part.bytes_sent, part.halo_nodes.numel()


def _apart(a, b):
    return float((a - b).abs().max()) if a.numel() else 0.0


def gathers(group):
    part = gd.partition(make_graph(), group, method=owners("odd", torch.distributed.get_world_size(group)))
    x = torch.randn(N, 3, generator=torch.Generator().manual_seed(3))
    return torch.equal(part.gather(part.shard(x)), x)


def bytes_of_halo(group):
    part = gd.partition(make_graph(), group)
    k = v = torch.ones(part.src_nodes.numel(), H, D)
    gd.attention(torch.ones(part.nodes.numel(), H, D), k, v, part, exchange="halo")
    return part.bytes_sent, part.halo_nodes.numel()


class Model(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.first, self.second = layer(5, 6, heads=2), layer(12, 3, heads=1)

    def forward(self, x, edge_index):
        return self.second(self.first(x, edge_index).relu(), edge_index)


def train(group, layer, steps, method="balanced"):
    """The losses of some steps and the parameters after them; without a group on one process."""
    graph, torch_seed = make_graph(), 4
    generator = torch.Generator().manual_seed(6)
    x = torch.randn(N, 5, generator=generator, dtype=torch.float64)
    y = torch.randint(3, (N,), generator=generator)
    torch.manual_seed(torch_seed)
    model = Model(getattr(gnn, layer)).double()
    names = list(model.state_dict())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    part = None
    edge_index = graph.edge_index
    if group is not None:
        part = gd.partition(graph, group, method=owners(method, torch.distributed.get_world_size(group)))
        gd.parallelize(model, part)
        x, y, edge_index = part.shard(x), part.shard(y), part.graph.edge_index
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        each = F.cross_entropy(model(x, edge_index), y, reduction="none")
        loss = each.mean() if part is None else gd.mean(each, part)
        loss.backward()
        if part is not None:
            gd.all_reduce_gradients(model, part)
        optimizer.step()
        losses.append(loss.detach())
    total = torch.stack(losses)
    if part is not None:
        torch.distributed.all_reduce(total, group=group)
    assert list(model.state_dict()) == names
    return total, [parameter.detach() for parameter in model.parameters()]


def partition_of(group, what):
    """Partitions that cannot be."""
    rank = torch.distributed.get_rank(group)
    graph = make_graph()
    if what == "graphs differ" and rank == 1:
        graph = ga.Graph(graph.edge_index[:, :-1], num_nodes=N)
    method = {"owner outside": torch.full((N,), 9), "not covered": torch.zeros(N - 1, dtype=torch.int64)}.get(
        what, "balanced"
    )
    if what == "owners differ":
        method = torch.full((N,), rank)
    if what == "one fails" and rank == 1:
        method = "nonsense"
    return gd.partition(graph, group, method=method)


def call_of(group, what):
    """Calls that cannot be, refused before anything is sent."""
    part = gd.partition(make_graph(), group)
    rows, own = part.nodes.numel(), part.edge_ids.numel()
    q = k = v = torch.ones(rows, H, D)
    options = {}
    if what == "rows":
        k = v = torch.ones(rows + 1, H, D)
    if what == "edges":
        options["edge_bias"] = torch.zeros(own + 1, H)
    if what == "exchange":
        options["exchange"] = "pigeon"
    if what == "heads":
        options |= {"exchange": "heads", "edge_bias": torch.zeros(own, H)}
    if what == "numbers":
        options["score"] = ga.scores.custom(lambda pair: pair.dot - abs(pair.src.index - pair.dst.index))
    if what == "dropout":
        options |= {"normalize": "sparsemax", "dropout": 0.5}
    return gd.attention(q, k, v, part, **options)


def from_disk(group, folder):
    """The same partition, read from a folder."""
    from graphattn.loader import OnDiskGraph

    here = gd.partition(make_graph(), group)
    there = gd.partition(OnDiskGraph(folder), group)
    same = [
        torch.equal(getattr(here, name), getattr(there, name)) for name in ("nodes", "halo_nodes", "edge_ids", "places")
    ]
    return all(same) and here.graph == there.graph and there.whole is None


def again_and_again(group, last=None):
    """Attend until the other process is gone, or end this one as a kill does after so many calls."""
    part = gd.partition(make_graph(), group)
    q = k = v = torch.ones(part.nodes.numel(), H, D)
    calls = 0
    while True:
        if calls == last:
            os._exit(1)
        gd.attention(q, k, v, part)
        calls += 1
