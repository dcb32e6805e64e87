"""How the checks of `make gpu` are kept, and how a result is compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from ops.lowering.cases import Case, call, tensors
from torch import Tensor

import graphattn as ga

CHECKS: list[Any] = []


def check(cases: Callable[[bool], list[Any]] = lambda quick: [""]) -> Callable[[Any], Any]:
    """Add a function to `CHECKS`, with the cases that it is called for."""

    def add(function: Any) -> Any:
        function.cases = cases
        CHECKS.append(function)
        return function

    return add


def run_check(name: str, case: Any) -> None:
    """Run one of `CHECKS` on one of its cases."""
    import gpu.checks  # noqa: F401 - fills them

    (function,) = (each for each in CHECKS if each.__name__ == name)
    function(case)


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
