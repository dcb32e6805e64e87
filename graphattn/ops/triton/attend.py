"""`graphattn::attend` on GPUs: tensors handed to the kernels, bin by bin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from graphattn.ops.library import empty_outputs
from graphattn.ops.triton import forward as kernels
from graphattn.ops.triton.configuration import padded, tile_for
from graphattn.ops.triton.launch import launch
from graphattn.ops.triton.merge import merge_kernel
from graphattn.ops.triton.plan import Pieces, Span, plan_of
from graphattn.ops.triton.problem import Problem, contiguous, programs

_MERGED_AT_ONCE = 8  # pieces


def present(tensor: Tensor | None) -> Tensor | None:
    """An output that is asked for, or None."""
    return None if tensor is None or tensor.ndim == 1 else tensor


def forward(*inputs: Any) -> tuple[Tensor, ...]:
    """Inputs and outputs as `graphattn.ops.library` describes them."""
    p = Problem.of(inputs[:9], inputs[15:])
    indptr, indices, edge_ids = contiguous(inputs[9:12])
    assert indptr is not None and indices is not None
    outputs = empty_outputs(p.v, p.tensors["edge_attr"], indptr, indices, inputs[15:])
    plan = plan_of(indptr)
    given = {**p.tensors, "others": indices, "edge_ids": edge_ids, "weights": present(outputs[4])}
    parts = outputs[:4]
    for span in plan.spans(indptr):
        tile = p.tile(span.degree, "forward")
        results: Sequence[Tensor] = outputs[:4]
        if span.pieces:
            results = parts = [_parts(output, span.count) for output in outputs[:4]]
        launch(
            kernels.attend_fwd_kernel, programs(span.count, tile, p.key_heads), p.v, tile.warps, **given,
            **dict(zip(("out", "attr_out", "lse", "rest"), map(present, results), strict=True)),
            SHARED=p.shared, **span.arguments, **p.choices(), **p.sizes(tile),
        )  # fmt: skip
    if plan.pieces is not None:
        _merge(p, plan.pieces, parts, outputs)
    if p.weights and p.normalize == "softmax":
        _weigh(p, plan.spans(indptr), outputs, edge_ids)
    return tuple(outputs)


def _parts(output: Tensor, count: int) -> Tensor:
    """Room for the parts of an output that pieces leave."""
    return output if output.ndim == 1 else output.new_empty((count, *output.shape[1:]))


def _merge(p: Problem, pieces: Pieces, parts: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
    heads, Dv, A = p.heads, p.v.shape[2], p.attr_width
    launch(
        merge_kernel, (pieces.hubs.numel(), heads), p.v, 4,
        **dict(zip(("part_out", "part_attr_out", "part_top", "part_total"), map(present, parts), strict=True)),
        **dict(zip(("out", "attr_out", "lse", "rest"), map(present, outputs[:4]), strict=True)),
        hubs=pieces.hubs, first_pieces=pieces.firsts, keep_scale=p.dropped()["keep_scale"],
        SOFTMAX=p.normalize == "softmax", H=heads, DV=Dv, A=A, HP=1, DVP=padded(Dv), AP=padded(A),
        SLOTS=_MERGED_AT_ONCE, NUMBER=p.number,
    )  # fmt: skip


def _weigh(p: Problem, spans: Sequence[Span], outputs: Sequence[Tensor], edge_ids: Tensor | None) -> None:
    _, _, lse, rest, weights = outputs
    for span in spans:
        tile = tile_for(span.degree, p.heads, 1, 1, "forward")
        launch(
            kernels.attend_fwd_weights_kernel, programs(span.count, tile, tile.key_heads), p.v, tile.warps,
            weights=weights, lse=lse, rest=rest, edge_ids=edge_ids, **span.arguments, **p.dropped(),
            DROPOUT=p.dropout > 0, H=p.heads, HP=tile.key_heads, ROWS=tile.rows, SLOTS=tile.slots, NUMBER=p.number,
        )  # fmt: skip
