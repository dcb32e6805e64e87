"""`graphattn::attend` on the CPU: runs the forward kernel over all rows and merges the pieces of long ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphattn.ops.huge_pages import ask_for_huge_pages
from graphattn.ops.numba.forward_kernel import forward as forward_kernel
from graphattn.ops.numba.kernel_arguments import RESULTS, pack_edges, pack_inputs, pack_results
from graphattn.ops.numba.marshalling import (
    NUMBERS_PER_HEAD,
    Projections,
    compressed_edges,
    contiguous,
    edges_of_pieces,
    ids_if_needed,
    kernel_inputs,
    machine_code,
    result_addresses,
)
from graphattn.ops.numba.row_tasks import Pieces, plan_rows
from graphattn.ops.numba.threads import Step, run_steps
from graphattn.ops.operator import empty_outputs
from graphattn.ops.schema import Outputs, split_forward


def forward(*arguments: Any) -> Outputs:
    """The operator as `graphattn.ops.schema` describes it."""
    inputs, edges, options = split_forward(arguments)
    inputs, edges = contiguous(inputs), contiguous(edges)
    projections = Projections.of(inputs, options)
    variant, p = kernel_inputs(inputs, projections, options)
    outputs = Outputs(*map(ask_for_huge_pages, empty_outputs(inputs, edges, options)))
    rows = compressed_edges(edges.indptr, edges.indices, ids_if_needed(edges.edge_ids, inputs, options))
    kernel = machine_code(forward_kernel, edges.indptr.dtype, variant, RESULTS)
    packed = pack_inputs(*p)
    plan = plan_rows(edges.indptr, edges.indices.numel(), p.heads * (p.width + p.value_width + NUMBERS_PER_HEAD))
    whole_rows = Step(kernel, plan.runs, (pack_edges(*rows), packed, pack_results(*result_addresses(outputs))))
    if plan.pieces is None:
        run_steps(whole_rows)
        return outputs
    parts = _room_for_parts(outputs, plan.num_pieces)
    of_pieces = pack_edges(*edges_of_pieces(rows, plan.pieces)), packed, pack_results(*result_addresses(parts))
    run_steps(whole_rows, Step(kernel, plan.pieces.runs, of_pieces))
    _merge(plan.pieces, parts, outputs, edges.edge_ids)
    return outputs


def _room_for_parts(outputs: Outputs, count: int) -> Outputs:
    """Outputs with a row for each piece; the weights, which are of edges, are the same."""

    def of_pieces(output: Tensor) -> Tensor:
        return output.new_empty((count if output.numel() else 0, *output.shape[1:]))

    return outputs._replace(**{name: of_pieces(getattr(outputs, name)) for name in ("out", "lse", "rest")})


def _merge(pieces: Pieces, parts: Outputs, outputs: Outputs, edge_ids: Tensor | None) -> None:
    """Merge the results of the pieces of long rows, in float64.

    A softmax over all pieces gives each the share exp(lse_piece − lse); the results of other normalizers are added.
    """
    out, lse, rest = parts.out.double(), parts.lse.double(), parts.rest.double()
    for row, first, last in pieces.of_row:
        shares = torch.ones(last - first, out.shape[1], dtype=torch.float64, device="cpu")
        if lse.numel():
            each = lse[first:last] + rest[first:last]
            total = each.logsumexp(0)
            shares = (each - total).exp().masked_fill(total == -torch.inf, 0)
            outputs.lse[row] = total
            outputs.rest[row] = (total - outputs.lse[row].double()).masked_fill(total == -torch.inf, 0)
            if outputs.weights.numel():
                _rescale(outputs.weights, pieces, range(first, last), shares, edge_ids)
        outputs.out[row] = (shares.unsqueeze(-1) * out[first:last]).sum(0)


def _rescale(weights: Tensor, pieces: Pieces, of_row: range, shares: Tensor, edge_ids: Tensor | None) -> None:
    """Multiply the weights that were normalized within each piece of a row by the share of the piece."""
    for piece, share in zip(of_row, shares, strict=True):
        places = torch.arange(int(pieces.starts[piece]), int(pieces.stops[piece]), device="cpu")
        weights[places if edge_ids is None else edge_ids[places].long()] *= share.to(weights.dtype)
