"""The kernels under PyTorch's own tools: opcheck, torch.compile, autocast, several threads."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch
from ops.lowering.cases import Case, attend, call, loss, same_bits, tensors
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.library import opcheck
from torch.utils._python_dispatch import TorchDispatchMode

import graphattn as ga
from graphattn.graph.compressed import Compressed
from graphattn.ops import operator
from graphattn.ops.triton import backend

CASES = [
    Case("dot", "softmax", "everything", (4, 2), returns="weights"),
    Case("sum", "softmax", "bias", (3, 3), returns="state", dropout=0.3),
    Case("additive leaky_relu", "sigmoid", "key", (3, 3), dtype=torch.bfloat16),
    Case("additive tanh", "softmax", "low rank", (4, 2)),
]


class Recorder(TorchDispatchMode):
    """Writes down which of graphattn's own fused operators run, and with what."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.namespace == "graphattn":
            self.calls.append((function, args))
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_opcheck(case):
    graph = ga.testing.zoo()["duplicate_edges"]
    leaves = {name: tensor.to(case.dtype).requires_grad_() for name, tensor in tensors(case, graph).items()}
    with Recorder() as recorder:
        loss(attend(case, graph, leaves, "triton"), case.dtype).backward()
    assert len(recorder.calls) == 2
    for function, args in recorder.calls:
        opcheck(function, tuple(_leaf(arg, not function.name().endswith("_backward")) for arg in args))


def _leaf(arg, differentiable):
    is_number = isinstance(arg, torch.Tensor) and arg.is_floating_point()
    return arg.detach().clone().requires_grad_(differentiable) if is_number else arg


@pytest.mark.parametrize("case", CASES, ids=str)
def test_compiles_as_one_graph_with_sizes_left_open(case):
    def layer(edge_index, num_dst, given):
        return call(case, ga.Graph(edge_index, num_dst=num_dst, num_src=given["v"].shape[0]), given, "triton")

    torch._dynamo.reset()
    compiled = torch.compile(layer, fullgraph=True, dynamic=True, backend="aot_eager")
    for nodes, edges, stance in ((11, 17, "default"), (13, 19, "fail_on_recompile")):
        torch.manual_seed(nodes)
        edge_index = torch.randint(0, nodes, (2, edges))
        given = tensors(case, ga.Graph(edge_index, nodes))
        found = []
        for function in (layer, compiled):
            leaves = {name: tensor.to(case.dtype, copy=True).requires_grad_() for name, tensor in given.items()}
            torch.manual_seed(7)
            with torch.compiler.set_stance(stance):
                results = function(edge_index, nodes, leaves)
            loss(results, case.dtype).backward()
            found.append([*results, *(leaf.grad for leaf in leaves.values())])
        for ours, want in zip(*found, strict=True):
            torch.testing.assert_close(ours, want)


def test_under_autocast_attention_itself_is_the_same():
    case, graph = CASES[0], ga.testing.zoo()["unsorted"]
    given = tensors(case, graph)
    found = []
    for enabled in (True, False):
        leaves = {name: tensor.to(case.dtype, copy=True).requires_grad_() for name, tensor in given.items()}
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            results = attend(case, graph, leaves, "triton")
        gradients = torch.autograd.grad(loss(results, case.dtype), [*leaves.values()])
        found.append(dict(enumerate((*results, *gradients))))
    assert same_bits(*found)


def test_one_graph_planned_by_several_threads():
    """Each makes the plan where none is there yet, and all plans are alike."""
    from graphattn.ops.triton.plan import plan_of

    degree = torch.randint(0, 900, (200,), generator=torch.Generator().manual_seed(0))
    indptr = torch.cat([degree.new_zeros(1), degree.cumsum(0)]).int()
    with ThreadPoolExecutor(4) as pool:
        plans = list(pool.map(lambda _: plan_of(indptr), range(16)))
    assert {tuple(some.size for some in plan.bins) for plan in plans} == {tuple(x.size for x in plans[0].bins)}
    assert torch.equal(plans[0].pieces.starts, plans[-1].pieces.starts)


def test_tensors_of_a_gpu_that_is_not_here(monkeypatch):
    """Shapes, dtypes and devices, as a compiler finds them out; nothing is looked at and nothing runs."""
    monkeypatch.setattr(backend, "DEVICES", ("cuda",))
    with FakeTensorMode():
        graph = ga.Graph._checked(torch.empty(2, 40, dtype=torch.long, device="cuda"), 11, 13)
        graph._csr, graph._csc = (
            Compressed(*(torch.empty(size, dtype=torch.int32, device="cuda") for size in (rows + 1, 40, 40)))
            for rows in (11, 13)
        )
        q, k, v = given = [
            torch.empty(shape, device="cuda", dtype=torch.bfloat16) for shape in ((11, 4, 16), (13, 2, 16), (13, 2, 8))
        ]
        assert ga.explain_backend(q, k, v, graph).backend == "triton"
        state = ga.attention(q, k, v, graph, return_state=True)
        assert (state.out.shape, state.out.dtype) == ((11, 4, 8), torch.bfloat16)
        assert (state.lse.shape, state.lse.dtype) == ((11, 4), torch.float32)
        assert state.out.device.type == state.lse.device.type == "cuda"
        options = "dot", "softmax", 4, 0.25, 0.0, 0.0, None, False, False
        inputs = *given, *[None] * (len(operator.INPUTS) - 3), *graph.csr, *graph.csc, *options
        outputs = torch.ops.graphattn.attend(*inputs)
        needs = [True] * 3 + [False] * (len(operator.INPUTS) - 3)
        grads = torch.ops.graphattn.attend_backward(outputs[0], None, None, None, *outputs, *inputs, needs)
        for grad, tensor in zip(grads, given, strict=False):
            assert (grad.shape, grad.dtype, grad.device) == (tensor.shape, tensor.dtype, tensor.device)


def test_in_distributed_data_parallel():
    """A layer's gradients are those that it has alone."""
    graph = ga.testing.zoo()["unsorted"]
    layer = ga.nn.MultiheadAttention(8, 2)
    x = torch.randn(graph.num_nodes, 8, generator=torch.Generator().manual_seed(0))
    layer(x, graph=graph).square().sum().backward()
    want = [p.grad.clone() for p in layer.parameters()]
    layer.zero_grad()
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        parallel = torch.nn.parallel.DistributedDataParallel(layer)
        parallel(x, graph=graph).square().sum().backward()
    finally:
        torch.distributed.destroy_process_group()
    for parameter, theirs in zip(layer.parameters(), want, strict=True):
        torch.testing.assert_close(parameter.grad, theirs)


def test_gradients_that_were_scaled_too_much_show():
    """So that a GradScaler skips the step and scales less."""
    graph = ga.testing.zoo()["unsorted"]
    layer = torch.nn.Linear(4, 4)
    optimizer, scaler = torch.optim.SGD(layer.parameters(), lr=1.0), torch.amp.GradScaler("cpu", init_scale=2.0**40)
    before = layer.weight.detach().clone()
    for skipped in (True, False):
        optimizer.zero_grad()
        x = layer(torch.ones(graph.num_nodes, 4)).half().unsqueeze(1)
        out = ga.attention(x, x, x, graph, backend="triton")
        scaler.scale(out.float().square().sum()).backward()
        scaler.step(optimizer)
        scaler.update(2.0 if skipped else None)
        assert torch.equal(layer.weight, before) == skipped


def test_a_kernel_runs_on_the_gpu_of_its_tensors(monkeypatch):
    """Whichever is the current one."""
    from graphattn.ops.triton.launch import launch

    current, ran = [0], []

    @contextmanager
    def device(there):
        current.append(there.index)
        yield
        current.pop()

    class Kernel:
        arg_names = ("x",)

        def __getitem__(self, grid):
            return lambda **arguments: ran.append((current[-1], grid, arguments))

    monkeypatch.setattr(torch.cuda, "current_device", lambda: current[-1])
    monkeypatch.setattr(torch.cuda, "device", device)
    for index in (0, 1):
        launch(Kernel(), (3,), SimpleNamespace(device=torch.device("cuda", index)), 4, x=1, y=2)
    launch(Kernel(), (3, 0), SimpleNamespace(device=torch.device("cuda", 1)), 4, x=1)
    assert ran == [(index, (3,), {"x": 1, "num_warps": 4}) for index in (0, 1)]
    assert current == [0]
