"""The calls that are timed for a contender on a case, as functions without arguments."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from graphattn.bench.case import Case
from graphattn.bench.contenders import Contender
from graphattn.bench.measure import Call
from graphattn.graph import Graph


class Calls(NamedTuple):
    """Forward without gradients, forward with what backward needs recorded, and forward with backward.

    `leaves` are what gradients are taken of; `outs`, there after the first call of `both`, are as large as the outputs.
    """

    forward: Call
    recorded: Call
    both: Call
    leaves: list[Tensor]
    outs: list[Tensor]


def prepare(contender: Contender, case: Case, graph: Graph, device: str) -> Calls:
    """The calls of a contender, none of which has run when they are there."""
    inputs = case.leaves(graph, device)
    leaves = [tensor.detach().requires_grad_() for tensor in inputs]
    attend = contender.prepare(case.score, graph)
    grads: list[Tensor] = []

    def forward() -> tuple[Tensor, ...]:
        with torch.no_grad():
            return _tuple(attend(*inputs))

    def recorded() -> tuple[Tensor, ...]:
        return _tuple(attend(*leaves))

    def both() -> None:
        outs = recorded()
        if not grads:
            grads.extend(torch.ones_like(out) for out in outs)
        torch.autograd.grad(outs, leaves, grads, allow_unused=True)

    return Calls(forward, recorded, both, leaves, grads)


def _tuple(out: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return out if isinstance(out, tuple) else (out,)
