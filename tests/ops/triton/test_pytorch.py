"""The kernels under PyTorch's own tools: opcheck, torch.compile, autocast, several threads."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from ops.fused.cases import Case, attend, call, loss, same_bits, tensors
from torch.library import opcheck
from torch.utils._python_dispatch import TorchDispatchMode

import graphattn as ga

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
