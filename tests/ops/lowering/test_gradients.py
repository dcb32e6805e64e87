"""Gradients of the fused operator: exact, only those asked for, through each output."""

import pytest
import torch
from ops.lowering.cases import (
    EDGE_TERMS,
    FUSED,
    HEADS,
    NORMALIZERS,
    SCORES,
    Case,
    attend,
    loss,
    pairwise,
    result_names,
    run,
    tensors,
)

import graphattn as ga

pytest.importorskip("numba")

ALL_TERMS = [
    Case(score, normalize, edges, (4, 2), returns=returns)
    for score, normalize, edges, returns in (
        ("dot", "softmax", "everything", "weights"),
        ("dot", "sigmoid", "low rank", "out"),
        ("cosine", "softmax", "low rank for values", "state"),
        ("cosine", "relu", "value", "weights"),
        ("sum", "softmax", "bias", "weights"),
        ("sum", "identity", "low rank for values", "out"),
        ("additive leaky_relu", "softmax", "everything", "state"),
        ("additive tanh", "relu", "everything", "weights"),
        ("none", "softmax", "value", "state"),
        ("none", "sigmoid", "low rank for values", "weights"),
    )
]


def _named(name):
    return lambda text: f"gradient of {name}: {text}"


@pytest.mark.parametrize(
    "case",
    pairwise(
        score=SCORES,
        normalize=NORMALIZERS,
        edges=tuple(EDGE_TERMS),
        heads=HEADS[1:3],
        widths=((2, 1, 2), (1, 3, 1)),
        dtype=(torch.float64,),
        returns=("out", "weights", "state"),
        dropout=(0.0, 0.5),
    ),
    ids=str,
)
def test_gradcheck(case):
    graph = ga.Graph(torch.tensor([[0, 1, 1, 2, 2], [2, 2, 0, 1, 1]]), num_dst=4, num_src=3)
    given = tensors(case, graph)

    def function(*leaves):
        results = attend(case, graph, dict(zip(given, leaves, strict=True)), FUSED)
        return tuple(torch.where(result.isfinite(), result, 0) for result in results)  # lse of nobody is −inf

    assert torch.autograd.gradcheck(function, [tensor.requires_grad_() for tensor in given.values()])


@pytest.mark.parametrize("case", ALL_TERMS, ids=str)
def test_only_the_gradients_asked_for(case):
    graph = ga.testing.zoo()["duplicate_edges"]
    given = tensors(case, graph)
    want = run(case, graph, given, FUSED)
    for name in given:
        leaves = {other: tensor.to(case.dtype, copy=True) for other, tensor in given.items()}
        leaves[name].requires_grad_()
        loss(attend(case, graph, leaves, FUSED), case.dtype).backward()
        torch.testing.assert_close(leaves[name].grad, want[f"grad of {name}"], msg=_named(name))
        assert all(leaf.grad is None for other, leaf in leaves.items() if other != name)


@pytest.mark.parametrize("case", ALL_TERMS, ids=str)
def test_all_gradients_but_one(case):
    graph = ga.testing.zoo()["hub"]
    given = tensors(case, graph)
    want = run(case, graph, given, FUSED)
    for left_out in given:
        leaves = {name: tensor.to(case.dtype, copy=True) for name, tensor in given.items()}
        asked = [name for name in given if name != left_out]
        for name in asked:
            leaves[name].requires_grad_()
        loss(attend(case, graph, leaves, FUSED), case.dtype).backward()
        assert leaves[left_out].grad is None
        for name in asked:
            torch.testing.assert_close(leaves[name].grad, want[f"grad of {name}"], msg=_named(name))


@pytest.mark.parametrize("case", [case for case in ALL_TERMS if case.returns != "out"], ids=str)
def test_through_either_output_alone(case):
    graph = ga.testing.zoo()["unsorted"]
    given = tensors(case, graph)
    for which in range(2):
        found = []
        for backend in (FUSED, "reference"):
            leaves = {name: tensor.clone().requires_grad_() for name, tensor in given.items()}
            result = attend(case, graph, leaves, backend)[which]
            loss((result,), torch.float64).backward()
            found.append({name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
                          for name, leaf in leaves.items()})  # fmt: skip
        for name, want in found[1].items():
            by = f"{name} by {result_names(case)[which]}"
            torch.testing.assert_close(found[0][name], want, rtol=1e-11, atol=1e-11, msg=_named(by))


def test_without_gradients_nothing_remembers_the_inputs():
    graph = ga.testing.zoo()["hub"]
    case = Case(edges="everything")
    given = {name: tensor.float() for name, tensor in tensors(case, graph).items()}
    assert not attend(case, graph, given, FUSED)[0].requires_grad
    with torch.no_grad():
        leaves = {name: tensor.clone().requires_grad_() for name, tensor in given.items()}
        assert not attend(case, graph, leaves, FUSED)[0].requires_grad
