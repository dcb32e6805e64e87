"""What a backend is: one way to compute a call of the operator, and all that is said about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from graphattn.graph.torch_modes import is_transformed
from graphattn.ops.arguments import AttentionCall
from graphattn.ops.cost import Cost, cost_of_gathering
from graphattn.ops.state import State

Answer = Tensor | tuple[Tensor, Tensor] | State
Attend = Callable[[AttentionCall], Answer]
Choose = Callable[[AttentionCall], "Backend"]
CostOf = Callable[[AttentionCall], Cost]

INDEX_BYTES = 16  # of an edge in the lists by destination and by source


@dataclass(frozen=True, eq=False)
class Backend:
    """One way to compute a call of the operator.

    Functions that take a second argument use it for other calls, made of this one: they are run, chosen for and
    counted like calls of their own.
    """

    name: str
    """As in `attention(…, backend=name)`."""
    summary: str
    """How it computes a call, in one line."""
    refusal: Callable[[AttentionCall], str | None]
    """Why it cannot run a call, or None if it can."""
    run: Callable[[AttentionCall, Attend], Answer]
    """Run a call that `refusal` accepts."""
    slower_because: Callable[[AttentionCall, Choose], str | None] | None = None
    """Why a fused pass over the edges on the CPU would be faster, or None if it would not. Asked where there is one."""
    describe: Callable[[AttentionCall], str] | None = None
    """How it computes this call, where that is more than the summary."""
    cost: Callable[[AttentionCall, CostOf], Cost] = cost_of_gathering
    """What a forward pass costs."""
    bytes_per_edge: Callable[[AttentionCall], int] | None = None
    """For a backend that reads the list of edges: how many bytes it makes for each. A graph whose edges would need too
    many is given to it some destinations at a time."""
    falls_back: bool = False
    """Whether a call that does not fit on the GPU is tried in the ways of `graphattn.ops.fallbacks`."""


def refusal_of_transforms() -> str | None:
    """Why a backend with operations of its own cannot run a call now, or None if no transform is active."""
    if is_transformed():
        return "torch.func, forward-mode differentiation and torch.jit.trace see operations of PyTorch's own alone"
    return None
