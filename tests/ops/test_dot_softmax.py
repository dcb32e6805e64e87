"""The fused dot-product softmax: against the reference in float64, and as a PyTorch operator."""

import math
import os
import threading

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import graphs
from torch.library import opcheck

import graphattn as ga
from graphattn.ops.random import new_seed

pytest.importorskip("numba")
HEADS = st.sampled_from([(1, 1), (2, 1), (3, 3), (4, 2), (6, 2), (8, 8)])
EMPTY, NO_EDGES = (ga.Graph(torch.empty(2, 0, dtype=torch.long), nodes) for nodes in (0, 5))
WIDTHS = st.sampled_from([1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 32, 33, 64, 100])


def inputs(graph, heads, key_heads, width, value_width, *, scale=1.0, seed=0, bias=True):
    torch.manual_seed(seed)
    shapes = {
        "q": (graph.num_dst, heads, width),
        "k": (graph.num_src, key_heads, width),
        "v": (graph.num_src, key_heads, value_width),
        "edge_bias": (graph.num_edges, heads),
    }
    tensors = {name: torch.randn(shape, dtype=torch.float64) * scale for name, shape in shapes.items()}
    if not bias:
        del tensors["edge_bias"]
    return tensors


def run(graph, given, dtype, backend, dropout=0.0, shuffle=None):
    """Output, log-sum-exp and all gradients of a loss that weighs every number of both differently.

    `shuffle` seeds another order of the features, in which the same sums round differently.
    """
    orders = {name: torch.arange(given[name].shape[-1]) for name in "qkv"}
    if shuffle is not None:
        torch.manual_seed(shuffle)
        orders["q"] = orders["k"] = torch.randperm(len(orders["q"]))
        orders["v"] = torch.randperm(len(orders["v"]))
    leaves = {name: tensor.detach().to(dtype, copy=True).requires_grad_() for name, tensor in given.items()}
    ordered = {name: leaf[..., orders[name]] if name in orders else leaf for name, leaf in leaves.items()}
    torch.manual_seed(7)
    out, lse = ga.attention(**ordered, graph=graph, dropout=dropout, return_state=True, backend=backend)
    out = out[..., orders["v"].argsort()]
    torch.manual_seed(8)
    out_weight, lse_weight = (torch.randn(t.shape, dtype=torch.float64).to(dtype) for t in (out, lse))
    seen = graph.in_degree > 0
    loss = (out * out_weight).sum() + (lse[seen] * lse_weight[seen]).sum()
    loss.backward()
    found = {"out": out, "lse": lse, **{f"grad of {name}": leaf.grad for name, leaf in leaves.items()}}
    return {name: tensor.detach().double() for name, tensor in found.items()}


def worst(found, exact, name):
    """The largest error of one result; infinities must be where they belong."""
    finite = exact[name].isfinite()
    assert torch.equal(found[name].isfinite(), finite), name
    return (found[name] - exact[name])[finite].abs().max() if finite.any() else torch.tensor(0.0)


def largest_terms(graph, given):
    """The largest numbers whose difference is a gradient, for each gradient: what rounding is relative to."""
    if graph.num_edges == 0:
        return {}
    (src, dst), heads = graph.edge_index, given["q"].shape[1]
    q, k, v = (given[name].repeat_interleave(heads // given[name].shape[1], dim=1) for name in "qkv")
    _, weights = ga.attention(**given, graph=graph, return_weights=True, backend="reference")
    torch.manual_seed(8)
    out_weight = torch.randn(graph.num_dst, heads, v.shape[-1], dtype=torch.float64)
    terms = weights * (out_weight[dst] * v[src]).abs().sum(-1)
    scaled = terms.unsqueeze(-1) * q.shape[-1] ** -0.5
    each = {"q": scaled * k[src].abs(), "k": scaled * q[dst].abs(), "edge_bias": terms}
    return {f"grad of {name}": tensor.max() for name, tensor in each.items()}


def assert_as_good_as_float32(graph, given, dropout=0.0):
    """Errors are at most four times those of the float32 reference, plus four units in the last place of its terms.

    The reference may be lucky with one order of addition; its error is the worst of several, each as good as another.
    """
    exact = run(graph, given, torch.float64, "reference", dropout)
    plain = [run(graph, given, torch.float32, "reference", dropout, shuffle=seed) for seed in range(5)]
    fused = run(graph, given, torch.float32, "numba", dropout)
    terms = largest_terms(graph, {name: tensor.detach() for name, tensor in given.items()})
    for name, want in exact.items():
        allowed = 4 * max(worst(found, exact, name) for found in plain)
        largest = want[want.isfinite()].abs().max() if want.isfinite().any() else 0.0
        assert worst(fused, exact, name) <= allowed + 4 * 2**-23 * max(largest, terms.get(name, 0.0)), name


@settings(max_examples=150, deadline=None)
@given(
    graph=graphs() | graphs(bipartite=True),
    heads=HEADS,
    width=WIDTHS,
    value_width=WIDTHS,
    seed=st.integers(0, 99),
    bias=st.booleans(),
)
@example(graph=EMPTY, heads=(2, 1), width=3, value_width=5, seed=0, bias=True)
@example(graph=NO_EDGES, heads=(2, 1), width=3, value_width=5, seed=0, bias=True)
def test_forward_and_gradients_are_as_good_as_float32(graph, heads, width, value_width, seed, bias):
    assert_as_good_as_float32(graph, inputs(graph, *heads, width, value_width, seed=seed, bias=bias))


@pytest.mark.parametrize("scale", [0.0, 30.0])
@pytest.mark.parametrize("name", sorted(ga.testing.zoo()))
def test_on_the_zoo_with_small_and_huge_scores(name, scale):
    graph = ga.testing.zoo()[name]
    assert_as_good_as_float32(graph, inputs(graph, 3, 3, 5, 7, scale=scale))


@pytest.mark.parametrize("name", sorted(ga.testing.zoo()))
def test_dropout_draws_the_mask_of_the_reference(name):
    graph = ga.testing.zoo()[name]
    assert_as_good_as_float32(graph, inputs(graph, 4, 2, 5, 7), dropout=0.4)


def test_gradcheck_in_float64():
    graph = ga.Graph(torch.tensor([[0, 1, 1, 3, 3], [2, 2, 0, 1, 1]]), num_dst=4, num_src=4)
    given = [tensor.requires_grad_() for tensor in inputs(graph, 4, 2, 3, 2).values()]

    def run(q, k, v, bias):
        state = ga.attention(q, k, v, graph, edge_bias=bias, return_state=True, backend="numba")
        return state.out, state.lse[:3]  # the last destination sees nobody: its lse is −inf

    assert torch.autograd.gradcheck(run, given)


def test_hidden_edges_and_hidden_rows():
    graph = ga.Graph(torch.tensor([[0, 1, 1], [0, 0, 1]]), num_nodes=3)
    given = inputs(graph, 1, 1, 5, 3)
    given["edge_bias"] = torch.tensor([[0.0], [-math.inf], [-math.inf]], dtype=torch.float64)
    found = {}
    for backend in ("reference", "numba"):
        leaves = {name: tensor.clone().requires_grad_() for name, tensor in given.items()}
        out = ga.attention(**leaves, graph=graph, backend=backend)
        out.square().sum().backward()
        found[backend] = [out, *(leaf.grad for leaf in leaves.values())]
    for want, have in zip(found["reference"], found["numba"], strict=True):
        torch.testing.assert_close(have, want)
    assert torch.equal(found["numba"][0][1:], torch.zeros(2, 1, 3, dtype=torch.float64))


def test_nan_stays_in_its_row():
    graph = ga.Graph(torch.tensor([[0, 1, 2], [0, 0, 1]]), num_nodes=3)
    given = inputs(graph, 1, 1, 5, 3, bias=False)
    given["k"][1] = math.nan
    out = ga.attention(**{name: tensor.float() for name, tensor in given.items()}, graph=graph, backend="numba")
    assert out[0].isnan().all()
    assert not out[1:].isnan().any()


@pytest.mark.parametrize("beta", [2.0, torch.tensor(2.0), torch.tensor([1.0, 2.0, 3.0])])
def test_cosine(beta):
    graph = ga.testing.zoo()["hub"]
    given = {name: tensor.float() for name, tensor in inputs(graph, 3, 3, 5, 7).items()}
    score = ga.scores.Cosine(beta)
    fused = ga.attention(**given, graph=graph, score=score, backend="numba")
    torch.testing.assert_close(fused, ga.attention(**given, graph=graph, score=score, backend="reference"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype):
    graph = ga.testing.zoo()["hub"]
    given = {name: tensor.to(dtype) for name, tensor in inputs(graph, 3, 3, 5, 7).items()}
    fused = ga.attention(**given, graph=graph, backend="numba")
    assert fused.dtype == dtype
    torch.testing.assert_close(fused, ga.attention(**given, graph=graph, backend="reference"))


def large(seed=0):
    """Enough edges for several threads, with a hub."""
    torch.manual_seed(seed)
    edges = torch.randint(0, 5000, (2, 60_000))
    edges[1, ::7] = 13
    graph = ga.Graph(edges, 5000)
    return graph, {name: tensor.float() for name, tensor in inputs(graph, 4, 4, 16, 16).items()}


def bits(graph, given):
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in given.items()}
    out = ga.attention(**leaves, graph=graph, backend="numba")
    out.backward(torch.ones_like(out))
    return [out.detach(), *(leaf.grad for leaf in leaves.values())]


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_same_bits_in_every_run_with_any_number_of_threads():
    graph, given = large()
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 2, 5):
            torch.set_num_threads(threads)
            found.append(bits(graph, given))
    finally:
        torch.set_num_threads(before)
    assert all(same(found[0], other) for other in found[1:])


def test_from_several_python_threads_at_once():
    graph, given = large()
    want, found = bits(graph, given), []
    threads = [threading.Thread(target=lambda: found.append(bits(graph, given))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(same(want, other) for other in found)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_after_fork():
    graph, given = large()
    # Autograd's own threads do not outlive a fork, so the child runs the forward pass only.
    want = ga.attention(**given, graph=graph, backend="numba")
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if torch.equal(want, ga.attention(**given, graph=graph, backend="numba")) else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("grad", ["qkvb", "q", "k", "v", "b"])
def test_only_the_gradients_asked_for(grad):
    graph = ga.testing.zoo()["duplicate_edges"]
    given = {name: tensor.float() for name, tensor in inputs(graph, 3, 3, 5, 7).items()}
    want = run(graph, given, torch.float32, "numba")
    for name, tensor in given.items():
        tensor.requires_grad_(name.removeprefix("edge_")[0] in grad)
    torch.manual_seed(7)
    state = ga.attention(**given, graph=graph, return_state=True, backend="numba")
    torch.manual_seed(8)
    weights = [torch.randn(t.shape, dtype=torch.float64).float() for t in state]
    seen = graph.in_degree > 0
    ((state.out * weights[0]).sum() + (state.lse[seen] * weights[1][seen]).sum()).backward()
    for name, tensor in given.items():
        if tensor.requires_grad:
            torch.testing.assert_close(tensor.grad.double(), want[f"grad of {name}"])
        else:
            assert tensor.grad is None


def operator_arguments(dropout=0.0, requires_grad=True):
    graph = ga.testing.zoo()["duplicate_edges"]
    given = inputs(graph, 4, 2, 5, 7).values()
    tensors = [tensor.float().requires_grad_(requires_grad) for tensor in given]
    return (*tensors, *graph.csr, *graph.csc, 0.5, dropout, new_seed())


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_opcheck(dropout):
    opcheck(torch.ops.graphattn.dot_softmax.default, operator_arguments(dropout))


def test_opcheck_of_the_backward_operator():
    arguments = operator_arguments(requires_grad=False)
    out, lse, rest = torch.ops.graphattn.dot_softmax(*arguments)
    grads = torch.ones_like(out), torch.ones_like(lse)
    needs = [True, False, True, True]
    opcheck(torch.ops.graphattn.dot_softmax_backward.default, (*grads, out, lse, rest, *arguments, needs))


def test_double_backward_is_refused_with_a_reason():
    graph = ga.testing.zoo()["hub"]
    q, k, v, _ = (tensor.requires_grad_() for tensor in inputs(graph, 1, 1, 3, 2).values())
    (grad,) = torch.autograd.grad(ga.attention(q, k, v, graph, backend="numba").square().sum(), q, create_graph=True)
    with pytest.raises(RuntimeError, match='no second derivative; use backend="reference"'):
        grad.sum().backward()


@pytest.mark.parametrize("dynamic", [False, True])
def test_compiles_as_one_graph(dynamic):
    def layer(x, edge_index):
        graph = ga.Graph(edge_index, num_dst=x.shape[0], num_src=x.shape[0])
        return ga.attention(x, x, x.tanh(), graph).relu()

    torch._dynamo.reset()
    compiled = torch.compile(layer, fullgraph=True, dynamic=dynamic, backend="aot_eager")
    for nodes, edges in ((11, 30), (13, 47)):
        torch.manual_seed(nodes)
        x = torch.randn(nodes, 2, 5, requires_grad=True)
        edge_index = torch.randint(0, nodes, (2, edges))
        (ours,) = torch.autograd.grad(compiled(x, edge_index).sum(), x)
        (want,) = torch.autograd.grad(layer(x, edge_index).sum(), x)
        torch.testing.assert_close(ours, want)


def test_strided_inputs():
    graph = ga.testing.zoo()["hub"]
    given = {name: tensor.float() for name, tensor in inputs(graph, 3, 3, 5, 7).items()}
    strided = {name: tensor.mT.contiguous().mT for name, tensor in given.items()}
    assert not strided["q"].is_contiguous()
    assert torch.equal(
        ga.attention(**strided, graph=graph, backend="numba"), ga.attention(**given, graph=graph, backend="numba")
    )
