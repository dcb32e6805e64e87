"""What must hold on a GPU; each check is a function of one case that raises where it does not."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from unittest.mock import patch

import torch
from gpu.checking import check, gradients, largest, on_gpu
from gpu.speed import blocks
from ops.lowering.cases import EDGE_TERMS, NORMALIZERS, SCORES, Case, call, pairwise, tensors
from torch import Tensor

import graphattn as ga
from graphattn.bench.graphs import molecules, power_law
from graphattn.ops.operator import INPUTS
from graphattn.ops.triton.rowblocks import find_rowblocks

DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def _cases(quick: bool) -> list[Case]:
    cases = pairwise(
        score=SCORES,
        normalize=NORMALIZERS,
        edges=tuple(EDGE_TERMS),
        dtype=(*DTYPES, torch.float64),
        heads=((1, 1), (3, 3), (4, 2), (8, 8), (8, 1)),
        widths=((16, 16, 3), (32, 64, 16), (128, 128, 8), (20, 13, 5), (5, 7, 2)),
        returns=("out", "weights", "state"),
        dropout=(0.0, 0.4),
        scale=(None, -0.6),
    )
    return cases[:8] if quick else cases


def hub_graph() -> ga.Graph:
    """20,000 nodes, 300,000 edges; one node has 30,000 in-edges, another as many out-edges; some have none."""
    drawn = torch.Generator().manual_seed(0)
    graph = power_law(20_000, 300_000, 30_000, drawn)
    flipped = graph.edge_index.flip(0)
    return ga.Graph(torch.cat([graph.edge_index, flipped[:, :100_000]], dim=1), 20_000)


def block_graph() -> ga.Graph:
    """Dense rowblocks, and some nodes that have no edges."""
    return ga.Graph(blocks(5_000, 96).edge_index.cpu(), 5_010)


@check(_cases)
def as_good_as_plain_torch(case: Case) -> None:
    """Off the reference in float64 by at most twice what the reference in the same dtype is, or 1e-5 of the largest."""
    for name, graph in (("hub", hub_graph()), ("molecules", molecules(500, torch.Generator().manual_seed(0)))):
        _compare(case, name, graph)


def _compare(case: Case, name: str, graph: ga.Graph) -> None:
    graph, given = on_gpu(case, graph)
    narrow = {key: tensor.to(case.dtype) for key, tensor in given.items()}
    exact = gradients(case, graph, given, "reference")
    plain, ours = (gradients(case, graph, narrow, backend) for backend in ("reference", "triton"))
    for key, want in exact.items():
        finite = plain[key].isfinite()  # the sum of 30,000 numbers may be too large for a float16
        assert torch.equal(ours[key].isfinite(), finite), f"{key} of {name}"
        errors = [largest(found[key].double() - want) for found in (ours, plain)]
        slack = (1e-12 if case.dtype == torch.float64 else 1e-5) * largest(want)
        assert errors[0] <= 2 * errors[1] + slack, f"{key} of {name}: off by {errors[0]}, plain torch {errors[1]}"


def _cases_of_rowblocks(quick: bool) -> list[Case]:
    cases = pairwise(
        score=("dot", "cosine"),
        normalize=NORMALIZERS,
        edges=("nothing", "bias"),
        dtype=DTYPES,
        heads=((1, 1), (3, 3), (8, 2), (6, 2)),
        widths=((16, 16, 1), (64, 64, 1), (20, 13, 1), (128, 256, 1)),
        returns=("out", "state"),
        dropout=(0.0, 0.4),
    )
    return cases[:6] if quick else cases


@check(_cases_of_rowblocks)
def rowblocks_as_good_as_plain_torch(case: Case) -> None:
    """On tensor cores, where the graph is dense; and the same bits each time."""
    graph = block_graph()
    assert find_rowblocks(*graph.csr[:2], graph.num_src) is not None
    assert find_rowblocks(*graph.csc[:2], graph.num_dst) is not None
    _compare(case, "blocks", graph)
    graph, given = on_gpu(case, graph)
    narrow = {key: tensor.to(case.dtype) for key, tensor in given.items()}
    first, second = (gradients(case, graph, narrow, "triton") for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)


@check(lambda quick: [Case(score, edges="bias", heads=(4, 2), widths=(32, 32, 1), dropout=0.2) for score in SCORES])
def the_same_bits_each_time(case: Case) -> None:
    """Whatever the order in which programs run."""
    graph, given = on_gpu(case, hub_graph())
    given = {name: tensor.float() for name, tensor in given.items()}
    first, *others = (gradients(case, graph, given, "triton") for _ in range(5))
    for other in others:
        assert all(torch.equal(first[name], other[name]) for name in first)


@check()
def masks_of_dropout_are_those_of_the_cpu(_: str) -> None:
    """For the same seed."""
    graph = hub_graph()
    case = Case(heads=(4, 4), widths=(16, 16, 1), dropout=0.3, returns="weights")
    given = {name: tensor.float() for name, tensor in tensors(case, graph).items()}
    torch.manual_seed(7)
    _, cpu = call(case, graph, given, "reference")
    torch.manual_seed(7)
    _, gpu = call(case, graph.to("cuda"), {name: tensor.cuda() for name, tensor in given.items()}, "triton")
    assert torch.equal(cpu == 0, gpu.cpu() == 0)


@check()
def chosen_by_itself(_: str) -> None:
    """Without a backend's name."""
    graph = hub_graph().to("cuda")
    x = torch.randn(graph.num_nodes, 4, 16, device="cuda")
    assert ga.explain_backend(x, x, x, graph).backend == "triton"


def _small() -> tuple[Case, ga.Graph, dict[str, Tensor]]:
    case = Case("additive leaky_relu", heads=(4, 4), widths=(32, 32, 1), edges="bias")
    graph, given = on_gpu(case, molecules(50, torch.Generator().manual_seed(0)))
    return case, graph, {name: tensor.float() for name, tensor in given.items()}


@check()
def on_another_stream(_: str) -> None:
    """Work goes to the stream that is current."""
    case, graph, given = _small()
    want = gradients(case, graph, given, "triton")
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        found = gradients(case, graph, given, "triton")
    stream.synchronize()
    assert all(torch.equal(want[name], found[name]) for name in want)


@check(lambda quick: ["seen before", "new"])
def in_a_cuda_graph(which: str) -> None:
    """Captured, forward and backward, and replayed with other numbers; each replay draws another mask of dropout."""
    case, graph, given = _small()
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in given.items()}
    graph.csr, graph.csc  # noqa: B018  # sorting waits for the device

    def step() -> tuple[Tensor, ...]:
        (out,) = call(case, graph, leaves, "triton")
        return out, *torch.autograd.grad(out.square().sum(), list(leaves.values()))

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # compiles the kernels
        step()
        step()
    torch.cuda.current_stream().wait_stream(stream)
    if which == "new":
        graph = ga.Graph(graph.edge_index.clone(), graph.num_nodes)
        graph.csr, graph.csc  # noqa: B018
    captured = torch.cuda.CUDAGraph()
    with torch.cuda.graph(captured):
        held = step()
        dropped = ga.attention(given["v"], given["v"], given["v"], graph, dropout=0.5, backend="triton")
    with torch.no_grad():
        leaves["v"] *= 2
    captured.replay()
    found = [tensor.clone() for tensor in held]
    for ours, want in zip(found, step(), strict=True):
        torch.testing.assert_close(ours, want)
    masks = []
    for _ in range(2):
        captured.replay()
        masks.append(dropped.clone())
    assert not torch.equal(*masks)


@check(lambda quick: [None, "reduce-overhead"])
def compiled(mode: str | None) -> None:
    """By torch.compile, as one graph with sizes left open."""
    case = Case("dot", edges="bias", heads=(4, 2), widths=(16, 16, 1))

    def layer(edge_index: Tensor, given: dict[str, Tensor]) -> Tensor:
        size = given["v"].shape[0]
        (out,) = call(case, ga.Graph(edge_index, num_dst=size, num_src=size), given, "triton")
        return out

    torch._dynamo.reset()
    fast = torch.compile(layer, fullgraph=True, dynamic=True, mode=mode)
    for nodes, edges in ((1100, 3001), (1300, 4703), (1100, 3001)):
        edge_index = torch.randint(0, nodes, (2, edges), device="cuda")
        given = {
            name: tensor.float().cuda().requires_grad_()
            for name, tensor in tensors(case, ga.Graph(edge_index.cpu(), nodes)).items()
        }
        found = [
            [out.detach().clone(), *torch.autograd.grad(out.square().sum(), list(given.values()))]
            for out in (layer(edge_index, given), fast(edge_index, given))
        ]
        for ours, want in zip(*found, strict=True):
            torch.testing.assert_close(ours, want, rtol=1e-4, atol=1e-5)


@check(lambda quick: [torch.float16, torch.bfloat16])
def under_autocast_with_scaled_gradients(dtype: torch.dtype) -> None:
    """A layer trains."""
    graph = molecules(50, torch.Generator().manual_seed(0)).to("cuda")
    layer = ga.nn.MultiheadAttention(32, 4).cuda()
    x = torch.randn(graph.num_nodes, 32, device="cuda")
    optimizer, scaler = torch.optim.SGD(layer.parameters(), lr=1e-2), torch.amp.GradScaler("cuda")
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=dtype):
            loss = layer(x, graph=graph).float().square().mean()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(float(loss))
    assert losses[-1] < losses[0], losses


@check(lambda quick: list(range(1, torch.cuda.device_count())))
def on_another_gpu(device: int) -> None:
    """While the first is the current one."""
    case, graph, given = _small()
    want = gradients(case, graph, given, "triton")
    there = {name: tensor.to(f"cuda:{device}") for name, tensor in given.items()}
    found = gradients(case, graph.to(f"cuda:{device}"), there, "triton")
    assert all(torch.equal(want[name], found[name].to("cuda:0")) for name in want)


@check(lambda quick: ["of the first call", "again"])
def a_graph_of_one_stream_on_another(when: str) -> None:
    """What is made of a graph on one stream is there for another that did not wait, and stays until that is done."""
    case, _, given = _small()
    first, second = torch.cuda.Stream(), torch.cuda.Stream()
    edge_index = hub_graph().edge_index.cuda()
    size = int(edge_index.max()) + 1
    given = {name: x[:1].expand(size, *x.shape[1:]).contiguous() for name, x in given.items() if name in "qkv"}
    case = Case("dot", heads=(4, 4), widths=(32, 32, 1))
    want = gradients(case, ga.Graph(edge_index, size), given, "triton")
    torch.cuda.synchronize()
    for _ in range(5):
        graph = ga.Graph(edge_index, size)
        with torch.cuda.stream(first):
            torch.cuda._sleep(20_000_000)  # so that what follows on this stream is late
            gradients(case, graph, given, "triton")
            if when == "again":
                graph = ga.Graph(edge_index, size)
                graph.csc  # noqa: B018
        with torch.cuda.stream(second):
            torch.cuda._sleep(20_000_000)
            found = gradients(case, graph, given, "triton")
        del graph
        with torch.cuda.stream(first):  # would take the memory of the graph, were it free
            torch.full((4 * edge_index.shape[1],), -1, dtype=torch.int32, device="cuda")
        torch.cuda.synchronize()
        assert all(torch.equal(want[name], found[name]) for name in want)


@check()
def under_deterministic_algorithms(_: str) -> None:
    """PyTorch raises there where something is not."""
    case, _, given = _small()
    graph = molecules(50, torch.Generator().manual_seed(0))
    want = gradients(case, graph.to("cuda"), given, "triton")
    torch.use_deterministic_algorithms(True)
    try:
        found = gradients(case, ga.Graph(graph.edge_index.cuda(), graph.num_nodes), given, "triton")
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(torch.equal(want[name], found[name]) for name in want)


@check()
def of_tensors_with_gaps(_: str) -> None:
    """Views, transposed or cut out of others, at addresses of any alignment."""
    case, graph, given = _small()
    want = gradients(case, graph, given, "triton")
    gaps = {name: torch.cat([x[..., :1], x], dim=-1)[..., 1:] for name, x in given.items()}
    assert not any(x.is_contiguous() for x in gaps.values())
    for change in (lambda x: x, lambda x: torch.cat([x.flatten()[:1], x.flatten()])[1:].view(x.shape)):
        leaves = {name: change(x) for name, x in gaps.items()}
        found = gradients(case, graph, leaves, "triton")
        for name in want:
            torch.testing.assert_close(found[name], want[name])


@check()
def with_indices_of_64_bits(_: str) -> None:
    """As where a size is too large for 32."""
    from graphattn.graph import graph as module

    case, graph, given = _small()
    want = gradients(case, graph, given, "triton")
    module.index_dtype = lambda *sizes: torch.int64
    wide = ga.Graph(graph.edge_index, graph.num_nodes)
    assert wide.csr.indptr.dtype == torch.int64
    found = gradients(case, wide, given, "triton")
    assert all(torch.equal(want[name], found[name]) for name in want)


@check(lambda quick: ["nccl", "gloo"])
def in_parallel_training(backend: str) -> None:
    """A layer inside DistributedDataParallel has the gradients that it has alone."""
    graph = molecules(50, torch.Generator().manual_seed(0)).to("cuda")
    layer = ga.nn.MultiheadAttention(32, 4).cuda()
    x = torch.randn(graph.num_nodes, 32, device="cuda")
    layer(x, graph=graph).square().sum().backward()
    want = [p.grad.clone() for p in layer.parameters()]
    layer.zero_grad()
    torch.distributed.init_process_group(backend, store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        parallel = torch.nn.parallel.DistributedDataParallel(layer)
        parallel(x, graph=graph).square().sum().backward()
        found = [p.grad for p in layer.parameters()]
    finally:
        torch.distributed.destroy_process_group()
    for ours, theirs in zip(found, want, strict=True):
        torch.testing.assert_close(ours, theirs)


@check()
def with_little_memory(_: str) -> None:
    """A call for which there is no room is served another way, and says so."""
    graph = ga.Graph(torch.randint(100_000, (2, 4_000_000), device="cuda"), 100_000)
    graph.csr  # noqa: B018
    x = torch.randn(100_000, 8, 16, device="cuda", dtype=torch.bfloat16)
    bias = torch.randn(4_000_000, 8, device="cuda", dtype=torch.bfloat16)
    want = ga.attention(x, x, x, graph, edge_bias=bias, backend="triton").clone()
    torch.cuda.empty_cache()
    there = torch.cuda.memory_allocated() + 2**27  # the bias in float32 takes as much
    torch.cuda.set_per_process_memory_fraction(there / torch.cuda.get_device_properties(0).total_memory)
    try:
        ga.attention(x, x, x, graph, edge_bias=bias, backend="triton")
    except torch.OutOfMemoryError as error:
        assert "has no room for this call" in str(error)
    else:
        raise AssertionError("there was room")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = ga.attention(x, x, x, graph, edge_bias=bias)
    torch.testing.assert_close(found, want)
    assert ["no room" in str(each.message) for each in said] == [True]
    assert "some destinations at a time" in ga.explain_backend(x, x, x, graph, edge_bias=bias).reason


@check()
def tuned(_: str) -> None:
    """The tiles that are measured to be best give the same answer, and are kept."""
    graph = hub_graph().to("cuda")
    x = torch.randn(graph.num_nodes, 4, 16, device="cuda", requires_grad=True)
    want = torch.autograd.grad(ga.attention(x, x, x, graph, backend="triton").square().sum(), x)[0]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tiles.json"
        with patch.dict(os.environ, GRAPHATTN_TILES=str(file)):
            record = ga.tune(x, x, x, graph)
            found = torch.autograd.grad(ga.attention(x, x, x, graph, backend="triton").square().sum(), x)[0]
        assert file.is_file()
    print(record)
    assert {each.kernel for each in record.tiles} == {"forward", "source", "destination"}
    torch.testing.assert_close(found, want, rtol=1e-4, atol=1e-5)


@check(lambda quick: [2, 3])
def with_rows_copied_ahead(stages: int) -> None:
    """A loop that has several steps under way gives what it gives with one."""
    from graphattn.ops.triton import tile_choice

    for case in _cases(quick=True):
        graph, given = on_gpu(case, hub_graph())
        given = {name: tensor.to(case.dtype) for name, tensor in given.items()}
        want = gradients(case, graph, given, "triton")
        with tile_choice.choosing(lambda key, tile, start: tile._replace(stages=stages)):
            found = gradients(case, graph, given, "triton")
        for name in want:
            torch.testing.assert_close(found[name], want[name], equal_nan=True)


@check()
def by_opcheck(_: str) -> None:
    """PyTorch's own examination of the operator: schema, shapes, gradient, under the tracer."""
    graph = molecules(5, torch.Generator().manual_seed(0)).to("cuda")
    q, k, v = (torch.randn(graph.num_nodes, 4, 16, device="cuda", requires_grad=True) for _ in range(3))
    options = "dot", "softmax", 4, 0.25, 0.0, 0.0, None, False, True
    inputs = (q, k, v, *[None] * (len(INPUTS) - 3), *graph.csr, *graph.csc, *options)
    ga.attention(q, k, v, graph, backend="triton")  # loads the kernels
    torch.library.opcheck(torch.ops.graphattn.attend.default, inputs)
