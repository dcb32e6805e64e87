"""The fused operators as PyTorch's own tools see them: opcheck, torch.compile, torch.export, autocast."""

import subprocess
import sys

import pytest
import torch
from ops.lowering.cases import FUSED, SCORES, Case, attend, call, loss, same_bits, tensors
from torch.library import opcheck
from torch.utils._python_dispatch import TorchDispatchMode

import graphattn as ga

pytest.importorskip("numba")

CASES = [
    Case("dot", "softmax", "bias", (4, 2), dropout=0.3),
    Case("dot", "softmax", "everything", (4, 2), returns="weights"),
    Case("dot", "sigmoid", "low rank", (3, 3), returns="weights"),
    Case("cosine", "softmax", "value", (2, 1), returns="state"),
    Case("sum", "softmax", "bias", (3, 3), returns="state"),
    Case("additive leaky_relu", "softmax", "key", (3, 3), returns="weights", dropout=0.3),
    Case("additive tanh", "relu", "low rank by a pair", (4, 2)),
    Case("none", "identity", "value", (3, 3)),
    Case("dot", "softmax", "key and value", (3, 3), dtype=torch.bfloat16),
]


class Recorder(TorchDispatchMode):
    """Writes down which of graphattn's own fused operators run, and with what."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.namespace == "graphattn":
            self.calls.append((function, args, kwargs or {}))
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_opcheck(case):
    """Of every operator that a forward and a backward pass go through."""
    graph = ga.testing.zoo()["duplicate_edges"]
    _ = graph.csr, graph.csc
    leaves = {name: tensor.to(case.dtype).requires_grad_() for name, tensor in tensors(case, graph).items()}
    with Recorder() as recorder:
        loss(attend(case, graph, leaves, FUSED), case.dtype).backward()
    names = [function.name() for function, _, _ in recorder.calls]
    assert len(names) >= 2
    for function, args, kwargs in recorder.calls:
        differentiable = not function.name().endswith("_backward")
        opcheck(function, tuple(_leaf(arg, differentiable) for arg in args), kwargs)


def _leaf(arg, differentiable):
    is_number = isinstance(arg, torch.Tensor) and arg.is_floating_point()
    return arg.detach().clone().requires_grad_(differentiable) if is_number else arg


@pytest.mark.parametrize(("case", "dynamic"), [*((case, True) for case in CASES), (CASES[0], False)], ids=str)
def test_compiles_as_one_graph(case, dynamic):
    def layer(edge_index, num_dst, given):
        return call(case, ga.Graph(edge_index, num_dst=num_dst, num_src=given["v"].shape[0]), given, FUSED)

    torch._dynamo.reset()
    compiled = torch.compile(layer, fullgraph=True, dynamic=dynamic, backend="aot_eager")
    for nodes, edges, stance in ((11, 30, "default"), (13, 47, "fail_on_recompile" if dynamic else "default")):
        torch.manual_seed(nodes)
        edge_index = torch.randint(0, nodes, (2, edges))
        given = tensors(case, ga.Graph(edge_index, nodes))
        found = []
        for function in (layer, compiled):  # the first call loads the kernels
            leaves = {name: tensor.to(case.dtype, copy=True).requires_grad_() for name, tensor in given.items()}
            torch.manual_seed(7)
            with torch.compiler.set_stance(stance):
                results = function(edge_index, nodes, leaves)
            loss(results, case.dtype).backward()
            found.append([*results, *(leaf.grad for leaf in leaves.values())])
        for ours, want in zip(*found, strict=True):
            torch.testing.assert_close(ours, want)


class Layer(torch.nn.Module):
    """Attention with learned projections, as a network would have it."""

    def __init__(self, case):
        super().__init__()
        torch.manual_seed(0)
        self.case, (D, Dv, A) = case, case.widths
        H = case.heads[0]
        width = 1 if case.score == "sum" else D
        self.nodes = torch.nn.ModuleList(torch.nn.Linear(4, H * size) for size in (width, width, Dv))
        self.edges = torch.nn.Linear(3, A)
        self.bias = torch.nn.Linear(3, H)
        self.projections = torch.nn.ParameterList(torch.randn(A, H, size) for size in (D, Dv))
        self.vector = torch.nn.Parameter(torch.randn(H, D))

    def forward(self, x, edge_index, edge_features):
        graph = ga.Graph(edge_index, num_dst=x.shape[0], num_src=x.shape[0])
        H = self.case.heads[0]
        q, k, v = (linear(x).view(x.shape[0], H, -1) for linear in self.nodes)
        given = {"v": v, "edge_bias": self.bias(edge_features), "edge_attr": self.edges(edge_features)}
        given["value_proj"] = self.projections[1]
        if self.case.score == "sum":
            given |= {"q": q.squeeze(2), "k": k.squeeze(2)}
        elif self.case.score != "none":
            given |= {"q": q, "k": k}
        if self.case.score.startswith("additive"):
            given["vector"] = self.vector
        if self.case.score == "cosine":
            given["beta"] = self.vector[:, 0]
        if self.case.score in ("dot", "additive leaky_relu", "additive tanh"):
            given["key_proj"] = self.projections[0]
        given = {name: tensor.to(v.dtype) for name, tensor in given.items()}
        (out,) = call(self.case, graph, given, FUSED)
        return out


def layer_inputs(nodes, edges):
    torch.manual_seed(nodes)
    return torch.randn(nodes, 4), torch.randint(0, nodes, (2, edges)), torch.randn(edges, 3)


@pytest.mark.parametrize("score", SCORES)
def test_exports_with_sizes_left_open(score):
    layer = Layer(Case(score))
    nodes, edges = (torch.export.Dim(name, min=2, max=2**30) for name in ("nodes", "edges"))  # indices of 32 bits
    exported = torch.export.export(
        layer, layer_inputs(11, 30), dynamic_shapes=({0: nodes}, {1: edges}, {0: edges}), strict=False
    ).module()
    for sizes in ((11, 30), (13, 47)):
        torch.testing.assert_close(exported(*layer_inputs(*sizes)), layer(*layer_inputs(*sizes)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("score", SCORES)
def test_autocast(score, dtype):
    """Linear layers give halves there, and attention must neither mix dtypes nor lose more than halves do."""
    layer = Layer(Case(score))
    inputs = layer_inputs(13, 47)
    found = []
    for enabled in (True, False):
        layer.zero_grad()
        with torch.autocast("cpu", dtype=dtype, enabled=enabled):
            out = layer(*inputs)
        assert out.dtype == (dtype if enabled else torch.float32)
        out.float().square().sum().backward()
        found.append([out.detach(), *(parameter.grad for parameter in layer.parameters())])
    present = [(halves, want) for halves, want in zip(*found, strict=True) if want is not None]
    assert len(present) == sum(halves is not None for halves in found[0])
    largest = max(want.abs().max() for _, want in present[1:])  # some gradients are zero but for rounding
    for halves, want in present:
        assert (halves - want).abs().max() <= 4 * torch.finfo(dtype).eps * torch.maximum(want.abs().max(), largest)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_under_autocast_attention_itself_is_the_same(case):
    """It adds up in float32 at least, and autocast casts nothing inside it."""
    graph = ga.testing.zoo()["unsorted"]
    given = tensors(case, graph)
    found = []
    for enabled in (True, False):
        leaves = {name: tensor.to(case.dtype, copy=True).requires_grad_() for name, tensor in given.items()}
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            results = attend(case, graph, leaves, FUSED)
        gradients = torch.autograd.grad(loss(results, case.dtype), [*leaves.values()])
        found.append(dict(enumerate((*results, *gradients))))
    assert same_bits(*found)


def test_under_autocast_all_take_the_dtype_of_the_values():
    """As layers leave them: what a linear map made is in half precision, what a parameter is not."""
    graph = ga.testing.zoo()["unsorted"]
    q, k = torch.randn(graph.num_dst, 2, 4).bfloat16(), torch.randn(graph.num_src, 2, 4)
    v, bias = torch.randn(graph.num_src, 2, 4), torch.randn(graph.num_edges, 2).half()
    with pytest.raises(TypeError, match="all tensors share one dtype"):
        ga.attention(q, k, v, graph, edge_bias=bias)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = ga.attention(q, k, v, graph, edge_bias=bias)
    assert torch.equal(found, ga.attention(q.float(), k, v, graph, edge_bias=bias.float()))


def test_the_first_compilation_of_a_process_is_the_only_one():
    """The kernels are loaded while the call is traced, not at its first run, which would have it traced again."""
    code = """
import torch, graphattn as ga
graph, compiled = ga.Graph(torch.tensor([[0, 1, 2], [1, 2, 0]]), 3), []
def backend(module, inputs):
    compiled.append(module)
    return module.forward
graph.csr  # as any earlier call would have made it
attend = torch.compile(lambda x: ga.attention(x, x, x, graph), fullgraph=True, backend=backend)
for _ in range(3):
    attend(torch.ones(3, 1, 4))
print(len(compiled))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "1\n", done.stderr
