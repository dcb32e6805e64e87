"""Second derivatives of the operator where kernels found the first, and several gradients at once."""

import pytest
import torch
from ops.lowering.cases import EDGE_TERMS, FUSED, HEADS, NORMALIZERS, SCORES, Case, attend, loss, pairwise, tensors

import graphattn as ga

pytest.importorskip("numba")

CASES = pairwise(
    score=SCORES,
    normalize=NORMALIZERS,
    edges=tuple(EDGE_TERMS),
    heads=HEADS[1:3],
    widths=((2, 1, 2), (1, 3, 1)),
    dtype=(torch.float64,),
    returns=("out", "weights", "state"),
    dropout=(0.0, 0.5),
)
ON_EVERY_GRAPH = [
    Case("dot", edges="everything", heads=(4, 2), returns="state", dtype=torch.float64),
    Case("sum", edges="bias", heads=(4, 2), returns="weights", dropout=0.5, dtype=torch.float64),
    Case("additive leaky_relu", "sigmoid", "low rank", heads=(4, 2), widths=(5, 5, 2), dtype=torch.float64),
    Case("cosine", "relu", "value", heads=(4, 2), dtype=torch.float64),
]


def finite(results):
    return tuple(torch.where(result.isfinite(), result, 0) for result in results)  # lse of nobody is −inf


def function_of(case, graph, names, backend=FUSED):
    return lambda *leaves: finite(attend(case, graph, dict(zip(names, leaves, strict=True)), backend))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradgradcheck(case):
    graph = ga.Graph(torch.tensor([[0, 1, 1, 2, 2], [2, 2, 0, 1, 1]]), num_dst=4, num_src=3)
    given = tensors(case, graph)
    leaves = [tensor.requires_grad_() for tensor in given.values()]
    torch.manual_seed(0)  # for the direction along which it looks
    assert torch.autograd.gradgradcheck(function_of(case, graph, given), leaves, fast_mode=True)


def second_derivatives(case, graph, given, backend):
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in given.items()}
    value = loss(attend(case, graph, leaves, backend), torch.float64).sin()
    first = torch.autograd.grad(value, [*leaves.values()], create_graph=True, allow_unused=True)
    total = sum(grad.square().sum() for grad in first if grad is not None and grad.requires_grad)
    if not isinstance(total, torch.Tensor):
        return {}
    found = torch.autograd.grad(total, [*leaves.values()], allow_unused=True)
    return {name: grad for name, grad in zip(leaves, found, strict=True) if grad is not None}


@pytest.mark.parametrize("case", ON_EVERY_GRAPH, ids=str)
@pytest.mark.parametrize("name", ga.testing.zoo())
def test_as_the_reference_on(name, case):
    graph = ga.testing.zoo()[name]
    given = tensors(case, graph)
    mine, want = (second_derivatives(case, graph, given, backend) for backend in (FUSED, "reference"))
    for tensor in mine.keys() | want.keys():
        zero = torch.zeros_like(given[tensor])
        torch.testing.assert_close(mine.get(tensor, zero), want.get(tensor, zero), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", ON_EVERY_GRAPH, ids=str)
def test_several_gradients_at_once(case):
    graph = ga.testing.zoo()["unsorted"]
    leaves = {name: tensor.requires_grad_() for name, tensor in tensors(case, graph).items()}
    results = finite(attend(case, graph, leaves, FUSED))
    incoming = [torch.randn(3, *result.shape, dtype=torch.float64) for result in results]
    options = {"retain_graph": True, "allow_unused": True}
    at_once = torch.autograd.grad(results, [*leaves.values()], incoming, is_grads_batched=True, **options)
    for number in range(3):
        alone = torch.autograd.grad(results, [*leaves.values()], [each[number] for each in incoming], **options)
        for several, one in zip(at_once, alone, strict=True):
            torch.testing.assert_close(several[number], one, rtol=0, atol=0)


def test_the_third_derivative():
    graph = ga.testing.zoo()["duplicate_edges"]
    x = torch.randn(3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()

    def slope(x):
        y = ga.attention(x, x, x, graph, backend=FUSED).sin().sum()
        return torch.autograd.grad(y, x, create_graph=True)[0]

    assert torch.autograd.gradgradcheck(slope, x)


def test_queries_computed_from_keys_do_not_count_twice():
    graph = ga.testing.zoo()["unsorted"]
    x = torch.randn(13, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    found = []
    for backend in (FUSED, "reference"):
        k = x.sin()
        out = ga.attention(k * 2, k, k, graph, backend=backend)
        (first,) = torch.autograd.grad(out.square().sum(), x, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), x)[0])
    torch.testing.assert_close(*found)


@pytest.mark.parametrize(
    ("backend", "graph", "options"),
    [
        ("dense", "causal", {}),
        ("dense", "complete_batch", {"score": "cosine"}),
        ("dense", "complete", {"edge_bias": True, "dropout": 0.3}),
        ("block", "window", {"edge_bias": True}),
        ("block", "grid", {"dropout": 0.3}),
        ("parts", "union", {"edge_bias": True}),
        ("linear", "causal", {"normalize": "linear"}),
    ],
)
def test_on_other_backends(backend, graph, options):
    union = ga.union(ga.window(9, radius=1), ga.Graph(torch.tensor([[0, 8, 3, 3], [5, 1, 8, 3]]), 9))
    graph = union if graph == "union" else ga.testing.zoo()[graph]
    drawn = torch.Generator().manual_seed(0)
    shapes = [(graph.num_dst, 4, 3), (graph.num_src, 2, 3), (graph.num_src, 2, 3), (graph.num_edges, 4)]
    leaves = [torch.rand(shape, dtype=torch.float64, generator=drawn).requires_grad_() for shape in shapes]
    options = dict(options)
    has_bias = options.pop("edge_bias", False)

    def function(*leaves, backend=backend):
        torch.manual_seed(7)
        bias = leaves[3] if has_bias else None
        return ga.attention(*leaves[:3], graph, edge_bias=bias, backend=backend, **options)

    leaves = leaves if has_bias else leaves[:3]
    assert torch.autograd.gradgradcheck(function, leaves, fast_mode=True)
    eye = torch.eye(function(*leaves).numel(), dtype=torch.float64)[:3].unflatten(1, function(*leaves).shape)
    at_once = torch.autograd.grad(function(*leaves), leaves, eye, is_grads_batched=True)
    wants = [torch.autograd.grad(function(*leaves, backend="reference"), leaves, each) for each in eye]
    for several, one in zip(at_once, zip(*wants, strict=True), strict=True):
        torch.testing.assert_close(several, torch.stack(one))
