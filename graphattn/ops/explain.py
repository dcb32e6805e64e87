"""Which backend a call runs on, why, and what it costs, for users to read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from graphattn.ops import dispatch
from graphattn.ops.arguments import AttentionCall
from graphattn.ops.cost import Cost


@dataclass(frozen=True)
class Explanation:
    """Which backend a call runs on, why, why not on those before it, and what its forward pass costs.

    `flops` counts the additions and multiplications of scores and weighted sums; `bytes` what is read and written:
    inputs and output once, and what the backend copies, gathers or reads of the graph beside them.
    """

    backend: str
    reason: str
    rejected: dict[str, str]
    flops: int
    bytes: int

    def __str__(self) -> str:
        lines = [f"backend: {self.backend} ({self.reason})"]
        lines += [f"  forward: {self.flops:,} floating-point operations, {self.bytes:,} bytes read and written"]
        lines += [f"  not {name}: {why}" for name, why in self.rejected.items()]
        return "\n".join(lines)


def explain(call: AttentionCall, backend: str = "auto") -> Explanation:
    """The choice for one call, and its cost.

    Raises:
        ValueError: as `dispatch.choose` would.
    """
    chosen, reason, rejected = dispatch.choose(call, backend)
    return Explanation(chosen.name, reason, rejected, *chosen.cost(call, _cost))


def _cost(call: AttentionCall) -> Cost:
    return dispatch.choose(call).backend.cost(call, _cost)


@contextmanager
def explain_calls() -> Iterator[list[Explanation]]:
    """Record which backend runs each call of the operator inside a `with` block, in layers and models too, and why.

    Returns:
        A list, to which each call appends what `explain_backend` would say of it. It stays empty where a layer sends
        messages instead (`layer.sends_messages` says so), and where a compiled program runs.

    Example:
        >>> import torch, graphattn as ga
        >>> layer = ga.nn.MultiheadAttention(16, num_heads=4, normalize="sparsemax")
        >>> with ga.explain_calls() as calls:
        ...     _ = layer(torch.randn(5, 16), ga.window(5, radius=1))
        >>> [call.backend for call in calls], calls[0].rejected["numba"]
        (['reference'], 'normalize="sparsemax" is not fused')
    """
    found: list[Explanation] = []

    def observe(call: AttentionCall, backend: str) -> None:
        found.append(explain(call, backend))

    dispatch.observers.append(observe)
    try:
        yield found
    finally:
        dispatch.observers.remove(observe)
