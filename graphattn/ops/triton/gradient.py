"""`graphattn::attend_backward` on GPUs: the pass by source, then the pass by destination, bin by bin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from graphattn.ops.precision import wide_dtype
from graphattn.ops.schema import INPUTS, BackwardArguments, split_backward
from graphattn.ops.triton import rowblock_calls
from graphattn.ops.triton.destination import attend_bwd_destination_kernel
from graphattn.ops.triton.destination_recompute import attend_bwd_destination_recompute_kernel
from graphattn.ops.triton.kernel_arguments import KernelArguments, contiguous, present, programs
from graphattn.ops.triton.launch import launch
from graphattn.ops.triton.merge import sum_kernel
from graphattn.ops.triton.plan import Pieces, Plan, Span, plan_of
from graphattn.ops.triton.projection import EDGES, WARPS, attend_bwd_projection_kernel, padded_part
from graphattn.ops.triton.row_terms import attend_bwd_row_terms_kernel
from graphattn.ops.triton.source import attend_bwd_source_kernel
from graphattn.ops.triton.tile_table import Tile, padded

_OF_SOURCES, _OF_DESTINATIONS = ("k", "v"), ("q", "attr_query")
_VECTOR_PROGRAMS = 1024
"""Programs of a launch that add up the gradient of an additive vector: each leaves H·D numbers."""
_PROJECTION_PROGRAMS = 256
"""Programs that add up the gradient of a projection inside an additive score: each leaves A·H·D numbers."""
_SUMMED_AT_ONCE = 8  # pieces
RECOMPUTE_ABOVE = (
    2**30
)  # bytes of one number for each edge and head; beyond, the backward pass keeps none and computes anew


def backward(*arguments: Any) -> tuple[Tensor, ...]:
    """Gradients of the inputs, in their order; of length zero where `needs` does not ask for one.

    If memory does not suffice for one number per edge and head, the pass is repeated without those numbers, and so is
    every backward pass of at least that size from then on.
    """
    global RECOMPUTE_ABOVE
    given = split_backward(arguments)
    try:
        return _backward(given)
    except torch.OutOfMemoryError:
        size = _bytes_of_scores(given)
        if not 0 < size <= RECOMPUTE_ABOVE or (given.inputs.v.is_cuda and torch.cuda.is_current_stream_capturing()):
            raise
    RECOMPUTE_ABOVE = size - 1
    return _backward(given)


def _bytes_of_scores(given: BackwardArguments) -> int:
    """Bytes that a backward pass keeps for all edges and heads; zero if it keeps none or cannot do without."""
    needs, inputs = given.needs, given.inputs
    by_destination = any(needs[name] for name in _OF_DESTINATIONS)
    by_source = any(needs[name] for name in INPUTS if name not in _OF_DESTINATIONS)
    projects = inputs.key_proj is not None and (needs["edge_attr"] or needs["key_proj"])
    if needs["bias"] or projects or not by_destination or not by_source:
        return 0
    return given.edges.indices.numel() * given.options.heads * max(4, inputs.v.element_size())


def _backward(given: BackwardArguments) -> tuple[Tensor, ...]:
    incoming, outputs, edges = contiguous(given.gradients), contiguous(given.outputs), contiguous(given.edges)
    p, needs = KernelArguments.of(given.inputs, given.options), given.needs
    indptr, indices, edge_ids, csc_indptr, csc_indices, places = edges
    out = outputs.out
    incoming = incoming._replace(out=incoming.out.to(p.v.dtype))  # gathered for each edge: halves are smaller
    assert csc_indptr is not None and csc_indices is not None and places is not None
    grads = {
        name: torch.empty_like(tensor)
        for name, tensor in p.tensors.items()
        if tensor is not None and needs[name]
    }  # fmt: skip
    ids = p.edge_ids(edge_ids)
    destinations = rowblock_calls.rowblocks_by_destination(p, indptr, indices, ids)
    sources = rowblock_calls.rowblocks_by_source(p, csc_indptr, csc_indices, places, ids)
    rowblocks = destinations is not None or sources is not None  # which hand on no gradient of a score
    of_destinations = (*_OF_DESTINATIONS, "bias") if rowblocks else _OF_DESTINATIONS
    by_destination = any(name in grads for name in of_destinations)
    by_source = any(name not in of_destinations for name in grads)
    score = None if rowblocks else grads.get("bias")
    projects = p.tensors["key_proj"] is not None and ("edge_attr" in grads or "key_proj" in grads)
    too_many = indices.numel() * p.heads * p.number_size > RECOMPUTE_ABOVE
    recomputes = rowblocks or (score is None and not projects and (too_many or not by_source))
    if score is None and (projects or (by_destination and not recomputes)):
        score = out.new_empty((indices.numel(), p.heads))
    kernel_arguments = {
        **p.arguments(), **dict.fromkeys(f"grad_{name}" for name in INPUTS),
        **{f"grad_{name}": gradient for name, gradient in grads.items()},
        **{f"grad_{name}": present(gradient) for name, gradient in incoming._asdict().items()},
        **{name: present(output) for name, output in outputs._asdict().items()},
        "edge_ids": ids, "grad_score": score, "BY_EDGE": "bias" in grads,
    }  # fmt: skip
    if p.normalize == "softmax":
        kernel_arguments["terms"] = _row_terms(p, kernel_arguments, indptr)
        kernel_arguments["TERMS"] = kernel_arguments["terms"].shape[1]
    else:
        kernel_arguments |= {"terms": None, "TERMS": 0}
    if by_source:
        if sources is not None:
            rowblock_calls.backward_by_source(p, sources, kernel_arguments, csc_indptr)
        of_source = kernel_arguments | {"others": csc_indices, "places": places}
        if projects and kernel_arguments["grad_attr_out"] is None:
            of_source["grad_edge_attr"] = None
        plan = plan_of(csc_indptr, csc_indices, places) if sources is None else sources.rest
        _by_source(p, of_source, grads, csc_indptr, plan)
    if by_destination:
        if destinations is not None:
            rowblock_calls.backward_by_destination(p, destinations, kernel_arguments, indptr)
        plan = plan_of(indptr, indices, edge_ids) if destinations is None else destinations.rest
        kernel, name = (
            (attend_bwd_destination_recompute_kernel, "destination_recompute")
            if recomputes
            else (attend_bwd_destination_kernel, "destination")
        )
        _by_destination(p, kernel, name, kernel_arguments | {"others": indices}, grads, indptr, plan)
    if projects:
        _through_projection(p, kernel_arguments | {"others": indices}, grads, indptr)
    return tuple(grads[name] if name in grads else out.new_empty(0) for name in INPUTS)


def _row_terms(p: KernelArguments, given: dict[str, Any], indptr: Tensor) -> Tensor:
    """`[M, 3 or 4, H]`; see the kernel."""
    rows, terms = indptr.numel() - 1, 3 if given["grad_lse"] is None else 4
    found = given["out"].new_empty((rows, terms, p.heads))
    tile = p.row_tile(0, max(p.v.shape[2], p.attr_width))
    launch(
        attend_bwd_row_terms_kernel, programs(rows, tile, p.heads), p.v, tile.warps,
        **given | p.sizes(tile) | {"terms": found, "TERMS": terms, "HP": tile.key_heads}, indptr=indptr, count=rows,
    )  # fmt: skip
    return found


def _by_source(p: KernelArguments, given: dict[str, Any], grads: dict[str, Tensor], indptr: Tensor, plan: Plan) -> None:
    of_programs = [] if "vector" not in grads else [grads["vector"].new_empty((0, *grads["vector"].shape))]
    for span in plan.spans(indptr):
        special = _parts(grads, _OF_SOURCES, span)
        _over_sources(p, given, special, grads, span)
        if "vector" in grads:
            of_programs.append(special["grad_vector"])
        if span.pieces:
            _sum(p, plan.pieces, special, grads)
    if "vector" in grads:
        grads["vector"] = torch.cat(of_programs).sum(0, dtype=torch.float64).to(grads["vector"].dtype)


def _over_sources(
    p: KernelArguments, given: dict[str, Any], special: dict[str, Any], grads: dict[str, Tensor], span: Span
) -> None:
    """Adds to `special` what the programs add up of the gradient of an additive vector."""

    def start(tile: Tile) -> None:
        grid = programs(span.size, tile, p.key_heads)
        if "vector" in grads:
            grid = min(grid[0], _VECTOR_PROGRAMS), grid[1]
            special["grad_vector"] = grads["vector"].new_empty((grid[0], *grads["vector"].shape))
        launch(
            attend_bwd_source_kernel, grid, p.v, tile.warps, **given | special | span.arguments | p.sizes(tile)
        )  # fmt: skip

    p.launch_with(span.degree, "source", start, whole=given["grad_edge_attr"] is not None)


def _by_destination(
    p: KernelArguments,
    kernel: Any,
    name: str,
    given: dict[str, Any],
    grads: dict[str, Tensor],
    indptr: Tensor,
    plan: Plan,
) -> None:
    """Run a kernel, "destination" or "destination_recompute" by name."""
    for span in plan.spans(indptr):
        special = _parts(grads, _OF_DESTINATIONS, span)
        _over_destinations(p, kernel, name, given | special, span)
        if span.pieces:
            _sum(p, plan.pieces, special, grads)


def _over_destinations(p: KernelArguments, kernel: Any, name: str, given: dict[str, Any], span: Span) -> None:
    def start(tile: Tile) -> None:
        launch(
            kernel, programs(span.size, tile, p.key_heads), p.v, tile.warps,
            **given | span.arguments | p.sizes(tile),
        )  # fmt: skip

    p.launch_with(span.degree, name, start)


def _through_projection(p: KernelArguments, given: dict[str, Any], grads: dict[str, Tensor], indptr: Tensor) -> None:
    rows, edges = indptr.numel() - 1, given["others"].numel()
    owners = torch.arange(rows, dtype=indptr.dtype, device=indptr.device)
    width, features = (padded_part(size, p.number_size) for size in (p.width, p.attr_width))
    grid = min(-(-edges // EDGES), _PROJECTION_PROGRAMS), -(-p.attr_width // features)
    if "key_proj" in grads:
        of_programs = grads["key_proj"].new_zeros((grid[0], *grads["key_proj"].shape))
        given = given | {"grad_key_proj": of_programs}
    launch(
        attend_bwd_projection_kernel, grid, p.v, WARPS,
        **given | p.sizes(p.row_tile(0, p.width)) | {"DP": width, "AP": features, "BLOCK": EDGES},
        owners=owners.repeat_interleave(indptr.diff(), output_size=edges), count=edges,
        MORE=given["grad_attr_out"] is not None,
    )  # fmt: skip
    if "key_proj" in grads:
        grads["key_proj"] = of_programs.sum(0, dtype=torch.float64).to(of_programs.dtype)


def _parts(grads: dict[str, Tensor], names: Sequence[str], span: Span) -> dict[str, Any]:
    """Room, by the names of the kernels' parameters, for the gradients that pieces of a row add up apart."""
    if not span.pieces:
        return {}
    return {
        f"grad_{name}": grads[name].new_empty((span.size, *grads[name].shape[1:]), dtype=wide_dtype(grads[name].dtype))
        for name in names
        if name in grads
    }


def _sum(p: KernelArguments, pieces: Pieces | None, parts: dict[str, Tensor], grads: dict[str, Tensor]) -> None:
    """Add up what the pieces of each long row left."""
    assert pieces is not None
    for name, total in grads.items():
        if f"grad_{name}" not in parts or name == "vector":
            continue
        width = total[0].numel()
        block = min(padded(width), 128)
        launch(
            sum_kernel, (pieces.hubs.numel(), -(-width // block)), p.v, 4, parts=parts[f"grad_{name}"], total=total,
            hubs=pieces.hubs, first_pieces=pieces.firsts, W=width, WP=block, SLOTS=_SUMMED_AT_ONCE, NUMBER=p.number,
        )  # fmt: skip
