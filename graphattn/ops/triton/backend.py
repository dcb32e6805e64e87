"""The triton backend: fused passes over the edges on a GPU."""

from __future__ import annotations

from graphattn.ops import lowering
from graphattn.ops.arguments import AttentionCall
from graphattn.ops.backend import INDEX_BYTES, Answer, Attend, Backend, refusal_of_transforms
from graphattn.ops.loading import load

DEVICES = ("cuda",)  # which is also how PyTorch names AMD's GPUs

_OLDEST = "3.5"  # version of Triton


def refusal(call: AttentionCall) -> str | None:
    """Why the kernels cannot run a call, or None if they can."""
    why_not = refusal_of_transforms()
    if why_not is not None:
        return why_not
    if call.v.device.type not in DEVICES:
        return f"the tensors are on {call.v.device.type}, not on a GPU"
    return lowering.refusal(call) or load("triton", _OLDEST)


def run(call: AttentionCall, attend: Attend) -> Answer:
    """Run one call that `refusal` accepts."""
    return lowering.attention(call, project=False)


TRITON = Backend(
    name="triton",
    summary="fused passes over the edges on the GPU, nothing of size E·H·D kept",
    refusal=refusal,
    run=run,
    bytes_per_edge=lambda call: INDEX_BYTES,
    falls_back=True,
)
