"""What must hold on a GPU; each check is a function of one case that raises where it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from gpu.speed import blocks
from ops.fused.cases import EDGE_TERMS, NORMALIZERS, SCORES, Case, call, pairwise, tensors
from torch import Tensor

import graphattn as ga
from graphattn.bench.graphs import molecules, power_law
from graphattn.ops.triton.windows import find_windows

CHECKS: list[Any] = []
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


def check(cases: Callable[[bool], list[Any]] = lambda quick: [""]) -> Callable[[Any], Any]:
    """Add a function to `CHECKS`, with the cases that it is called for."""

    def add(function: Any) -> Any:
        function.cases = cases
        CHECKS.append(function)
        return function

    return add


def hub_graph() -> ga.Graph:
    """20,000 nodes, 300,000 edges; one node has 30,000 in-edges, another as many out-edges; some have none."""
    drawn = torch.Generator().manual_seed(0)
    graph = power_law(20_000, 300_000, 30_000, drawn)
    flipped = graph.edge_index.flip(0)
    return ga.Graph(torch.cat([graph.edge_index, flipped[:, :100_000]], dim=1), 20_000)


def gradients(case: Case, graph: ga.Graph, given: dict[str, Tensor], backend: str) -> dict[str, Tensor]:
    """Results and gradients of one call on tensors that are on the GPU already."""
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in given.items()}
    torch.manual_seed(7)
    results = call(case, graph, leaves, backend)
    total = sum(
        (torch.where(result.isfinite(), result, 0).double() * weigher(result)).sum() for result in results
    )  # fmt: skip
    total.backward()
    found = {str(place): result.detach() for place, result in enumerate(results)}
    return found | {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}


def weigher(result: Tensor) -> Tensor:
    """A number for each number of a result, such as an incoming gradient is; a half keeps it as it is."""
    numbers = torch.arange(result.numel(), device=result.device, dtype=torch.float64)
    return (numbers * 0.37).cos().mul(64).round().div(64).view(result.shape)


def on_gpu(case: Case, graph: ga.Graph) -> tuple[ga.Graph, dict[str, Tensor]]:
    """The graph, and tensors for it in float64 that the dtype of the case can hold."""
    given = {name: tensor.cuda() for name, tensor in tensors(case, graph).items()}
    return graph.to("cuda"), given


def largest(tensor: Tensor) -> float:
    """Of the finite numbers."""
    finite = tensor[tensor.isfinite()].abs()
    return float(finite.max()) if finite.numel() else 0.0


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


def _cases_of_windows(quick: bool) -> list[Case]:
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


@check(_cases_of_windows)
def windows_as_good_as_plain_torch(case: Case) -> None:
    """On tensor cores, where the graph is dense; and the same bits each time."""
    graph = ga.Graph(blocks(5_000, 96).edge_index.cpu(), 5_010)  # some nodes have no edges
    assert find_windows(*graph.csr[:2], 5_010) is not None
    assert find_windows(*graph.csc[:2], 5_010) is not None
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
    x = torch.randn(20_000, 4, 16, device="cuda")
    assert ga.explain_backend(x, x, x, hub_graph().to("cuda")).backend == "triton"


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
    layer = ga.nn.MultiheadAttention(32, heads=4).cuda()
    x = torch.randn(graph.num_nodes, 32, device="cuda")
    optimizer, scaler = torch.optim.SGD(layer.parameters(), lr=1e-2), torch.amp.GradScaler("cuda")
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=dtype):
            loss = layer(x, graph).float().square().mean()
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
