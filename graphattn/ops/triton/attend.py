"""`graphattn::attend` on GPUs: tensors handed to the kernels, bin by bin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from graphattn.ops.operator import Kernels, empty_outputs, implement, split_inputs
from graphattn.ops.triton import forward as kernels
from graphattn.ops.triton import rowblock_calls
from graphattn.ops.triton.gradient import backward
from graphattn.ops.triton.kernel_arguments import KernelArguments, contiguous, present, programs
from graphattn.ops.triton.launch import launch
from graphattn.ops.triton.merge import merge_kernel
from graphattn.ops.triton.plan import Pieces, Span, plan_of
from graphattn.ops.triton.tile_table import Tile

_MERGED_AT_ONCE = 8  # pieces


def forward(*inputs: Any) -> tuple[Tensor, ...]:
    """Inputs and outputs as `graphattn.ops.operator` describes them."""
    tensors, edges, options = split_inputs(inputs)
    p = KernelArguments.of(tensors, options)
    indptr, indices, edge_ids = contiguous(edges[:3])
    assert indptr is not None and indices is not None
    outputs = empty_outputs(p.v, p.tensors["edge_attr"], indptr, indices, options)
    given = {**p.arguments(), "others": indices, "edge_ids": p.edge_ids(edge_ids), "weights": present(outputs[4])}
    rowblocks = rowblock_calls.rowblocks_by_destination(p, indptr, indices, given["edge_ids"])
    if rowblocks is not None:
        rowblock_calls.forward(p, rowblocks, given | _named(outputs[:4]), indptr)
    plan = plan_of(indptr, indices, edge_ids) if rowblocks is None else rowblocks.rest
    parts = outputs[:4]
    for span in plan.spans(indptr):
        results: Sequence[Tensor] = outputs[:4]
        if span.pieces:
            results = parts = [_parts(output, span.size) for output in outputs[:4]]
        _attend(p, given | _named(results), span)
    if plan.pieces is not None:
        _merge(p, plan.pieces, parts, outputs)
    if p.weights and p.normalize == "softmax":
        _weigh(p, plan.spans(indptr), outputs, edge_ids)
    return tuple(outputs)


def _attend(p: KernelArguments, given: dict[str, Any], span: Span) -> None:
    def start(tile: Tile) -> None:
        launch(
            kernels.attend_fwd_kernel, programs(span.size, tile, p.key_heads), p.v, tile.warps,
            **given | span.arguments | p.sizes(tile),
        )  # fmt: skip

    p.launch_with(span.degree, "forward", start)


def _parts(output: Tensor, count: int) -> Tensor:
    """Room for the parts of an output that pieces leave."""
    return output if output.ndim == 1 else output.new_empty((count, *output.shape[1:]))


def _named(results: Sequence[Tensor], prefix: str = "") -> dict[str, Tensor | None]:
    """Results by the names of the kernels' parameters; None for those not asked for."""
    names = (f"{prefix}{name}" for name in ("out", "attr_out", "lse", "rest"))
    return dict(zip(names, map(present, results), strict=False))


def _merge(p: KernelArguments, pieces: Pieces, parts: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
    tile = Tile(1, _MERGED_AT_ONCE, 1, 4)
    launch(
        merge_kernel, (pieces.hubs.numel(), p.heads), p.v, tile.warps,
        **p.arguments() | p.sizes(tile) | _named(parts, "part_") | _named(outputs),
        hubs=pieces.hubs, first_pieces=pieces.firsts, SOFTMAX=p.normalize == "softmax", HP=1,
    )  # fmt: skip


def _weigh(p: KernelArguments, spans: Sequence[Span], outputs: Sequence[Tensor], edge_ids: Tensor | None) -> None:
    for span in spans:
        tile = p.row_tile(span.degree, 1, whole=True)
        launch(
            kernels.attend_fwd_weights_kernel, programs(span.size, tile, p.heads), p.v, tile.warps,
            **p.arguments() | p.sizes(tile) | _named(outputs) | span.arguments,
            weights=outputs[4], edge_ids=edge_ids, HP=tile.key_heads,
        )  # fmt: skip


implement("cuda", Kernels(forward, backward))
