"""The numba backend: fused passes over the edges on the CPU."""

from __future__ import annotations

from graphattn.ops import lowering
from graphattn.ops.arguments import AttentionCall
from graphattn.ops.backend import INDEX_BYTES, Answer, Attend, Backend, refusal_of_transforms
from graphattn.ops.loading import load


def refusal(call: AttentionCall) -> str | None:
    """Why the kernels cannot run a call, or None if they can."""
    why_not = refusal_of_transforms()
    if why_not is not None:
        return why_not
    if call.v.device.type != "cpu":
        return f"the tensors are on {call.v.device.type}, not on the CPU"
    return lowering.refusal(call) or load("numba")


def run(call: AttentionCall, attend: Attend) -> Answer:
    """Run one call that `refusal` accepts."""
    return lowering.attention(call, project=True)


NUMBA = Backend(
    name="numba",
    summary="fused passes over the edges on the CPU, nothing of size E·H·D kept",
    refusal=refusal,
    run=run,
    bytes_per_edge=lambda call: INDEX_BYTES,
)
