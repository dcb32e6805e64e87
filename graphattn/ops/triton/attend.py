"""`graphattn::attend` on GPUs: launches the forward kernels, one for each bin of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from graphattn.ops.operator import Kernels, empty_outputs, implement
from graphattn.ops.schema import Outputs, split_forward
from graphattn.ops.triton import forward as kernels
from graphattn.ops.triton import rowblock_calls
from graphattn.ops.triton.gradient import backward
from graphattn.ops.triton.kernel_arguments import KernelArguments, contiguous, present, programs
from graphattn.ops.triton.launch import launch
from graphattn.ops.triton.merge import merge_kernel
from graphattn.ops.triton.plan import Pieces, Span, plan_of
from graphattn.ops.triton.tile_table import Tile

_MERGED_AT_ONCE = 8  # pieces


def forward(*arguments: Any) -> Outputs:
    """The operator as `graphattn.ops.schema` describes it."""
    inputs, edges, options = split_forward(arguments)
    p = KernelArguments.of(inputs, options)
    edges = contiguous(edges)
    indptr, indices, edge_ids = edges.indptr, edges.indices, edges.edge_ids
    outputs = empty_outputs(inputs, edges, options)
    given = {**p.arguments(), "others": indices, "edge_ids": p.edge_ids(edge_ids), "weights": present(outputs.weights)}
    rowblocks = rowblock_calls.rowblocks_by_destination(p, indptr, indices, given["edge_ids"])
    if rowblocks is not None:
        rowblock_calls.forward(p, rowblocks, given | _named(outputs), indptr)
    plan = plan_of(indptr, indices, edge_ids) if rowblocks is None else rowblocks.rest
    parts = outputs
    for span in plan.spans(indptr):
        results = outputs
        if span.pieces:
            results = parts = _parts(outputs, span.size)
        _attend(p, given | _named(results), span)
    if plan.pieces is not None:
        _merge(p, plan.pieces, parts, outputs)
    if p.weights and p.normalize == "softmax":
        _weigh(p, plan.spans(indptr), outputs, edge_ids)
    return outputs


def _attend(p: KernelArguments, given: dict[str, Any], span: Span) -> None:
    def start(tile: Tile) -> None:
        launch(
            kernels.attend_fwd_kernel, programs(span.size, tile, p.key_heads), p.v, tile.warps,
            **given | span.arguments | p.sizes(tile),
        )  # fmt: skip

    p.launch_with(span.degree, "forward", start)


def _parts(outputs: Outputs, count: int) -> Outputs:
    """Memory for the outputs of each piece; the weights, which are of edges, are the same."""

    def of_pieces(output: Tensor) -> Tensor:
        return output if output.ndim == 1 else output.new_empty((count, *output.shape[1:]))

    of_rows = {name: of_pieces(getattr(outputs, name)) for name in ("out", "attr_out", "lse", "rest")}
    return outputs._replace(**of_rows)


def _named(results: Outputs, prefix: str = "") -> dict[str, Tensor | None]:
    """Results of rows by the names of the kernels' parameters; None for those not asked for."""
    return {f"{prefix}{name}": present(getattr(results, name)) for name in ("out", "attr_out", "lse", "rest")}


def _merge(p: KernelArguments, pieces: Pieces, parts: Outputs, outputs: Outputs) -> None:
    tile = Tile(1, _MERGED_AT_ONCE, 1, 4)
    launch(
        merge_kernel, (pieces.hubs.numel(), p.heads), p.v, tile.warps,
        **p.arguments() | p.sizes(tile) | _named(parts, "part_") | _named(outputs),
        hubs=pieces.hubs, first_pieces=pieces.firsts, SOFTMAX=p.normalize == "softmax", HP=1,
    )  # fmt: skip


def _weigh(p: KernelArguments, spans: Sequence[Span], outputs: Outputs, edge_ids: Tensor | None) -> None:
    for span in spans:
        tile = p.row_tile(span.degree, 1, whole=True)
        launch(
            kernels.attend_fwd_weights_kernel, programs(span.size, tile, p.heads), p.v, tile.warps,
            **p.arguments() | p.sizes(tile) | _named(outputs) | span.arguments,
            weights=outputs.weights, edge_ids=edge_ids, HP=tile.key_heads,
        )  # fmt: skip


implement("cuda", Kernels(forward, backward))
