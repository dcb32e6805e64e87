"""`graphattn::attend_backward` on the CPU: the pass by source, then the pass by destination."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphattn.ops.edge_order import in_callers_order
from graphattn.ops.huge_pages import ask_for_huge_pages
from graphattn.ops.numba import backward_kernels as kernels
from graphattn.ops.numba.edge_features import backward_features, feature_terms
from graphattn.ops.numba.jit import Kernel
from graphattn.ops.numba.kernel_arguments import (
    BIAS_ALONE,
    GRADIENTS,
    LEAKY,
    RESULTS,
    Edges,
    Gradients,
    pack_edges,
    pack_gradients,
    pack_inputs,
    pack_results,
)
from graphattn.ops.numba.marshalling import (
    NUMBERS_PER_HEAD,
    Projections,
    Variant,
    address,
    compressed_edges,
    contiguous,
    edges_of_pieces,
    ids_if_needed,
    kernel_inputs,
    machine_code,
    result_addresses,
)
from graphattn.ops.numba.row_tasks import Plan, plan_rows
from graphattn.ops.numba.threads import Step, run_steps
from graphattn.ops.schema import Inputs, split_backward

RECOMPUTE_ABOVE = 2**30
"""Bytes of one number for each edge and head; above that, the backward pass keeps no such number and recomputes it."""


def backward(*arguments: Any) -> tuple[Tensor | None, ...]:
    """Gradients of the inputs, in their order; None where `needs` does not ask for one.

    The pass by source leaves the gradient of each score for the pass by destination. If those would be too many, or
    only the gradient of the queries is asked for, the pass by destination recomputes them (except for scores with edge
    features).
    """
    given = split_backward(arguments)
    incoming, outputs = contiguous(given.gradients), contiguous(given.outputs)
    inputs, edges = contiguous(given.inputs), contiguous(given.edges)
    needs, options = given.needs, given.options
    assert edges.csc_indptr is not None and edges.csc_indices is not None
    projections = Projections.of(inputs, options)
    variant, p = kernel_inputs(inputs, projections, options)
    E, number, size = edges.indices.numel(), outputs.out.dtype, outputs.out.element_size()

    has_features = p.outer_key != 0 or p.outer_value != 0
    by_destination = needs["q"]
    by_source = has_features or any(needed for name, needed in needs.items() if name != "q")
    too_many = not (needs["bias"] or has_features) and E * p.heads * size > RECOMPUTE_ABOVE
    recomputes = by_destination and (too_many or not by_source)
    source = plan_rows(edges.csc_indptr, E, 2 * p.heads * (p.width + p.value_width + NUMBERS_PER_HEAD))
    destination = plan_rows(edges.indptr, E, p.heads * (p.width + NUMBERS_PER_HEAD) * (4 if recomputes else 1))

    grads = _room_for_gradients(inputs, needs, number, options.score == LEAKY, source)
    for name, plan in (("key_proj", source), ("outer_key", destination), ("outer_value", destination)):
        matrix = getattr(projections, name)
        if matrix is not None and needs["value_proj" if name == "outer_value" else "key_proj"]:
            grads[name] = torch.empty((plan.num_tasks, *matrix.shape), dtype=number, device="cpu")
    keeps_score = needs["bias"] or p.outer_key != 0 or (by_destination and not recomputes)
    score, weight = (
        ask_for_huge_pages(torch.empty((E, p.heads), dtype=number, device="cpu")) if kept else None
        for kept in (keeps_score, p.outer_value != 0)
    )
    terms = torch.empty((4, *outputs.lse.shape), dtype=number, device="cpu") if outputs.lse.numel() else None
    tensors = {
        "grad_out": incoming.out,
        "grad_lse": incoming.lse,
        "grad_weights": incoming.weights,
        "row_terms": terms,
        "score": score,
        "weight": weight,
        **grads,
    }
    g = Gradients._make(0 if (tensor := tensors.get(name)) is None else tensor.data_ptr() for name in Gradients._fields)
    ids = ids_if_needed(edges.edge_ids, inputs, options)
    by_rows = compressed_edges(edges.indptr, edges.indices, ids)
    by_columns = compressed_edges(edges.csc_indptr, edges.csc_indices, ids, edges.places, by_source=True)

    def compiled(kernel: Kernel, variant: Variant = variant) -> Callable[..., Any]:
        return machine_code(kernel, edges.indptr.dtype, variant, RESULTS, GRADIENTS)

    of_rows = [] if terms is None else [compiled(kernels.row_terms)]
    of_destinations: list[Callable[..., Any]] = []
    if recomputes:
        of_destinations.append(compiled(kernels.backward_destination_recompute))
    elif by_destination:
        of_destinations.append(compiled(kernels.backward_destination))
    if has_features:
        plain = Variant(BIAS_ALONE, number, number, number)  # these kernels are the same for all scores
        of_rows.append(compiled(feature_terms, plain))
        of_destinations.append(compiled(backward_features, plain))
    packed = pack_inputs(*p), pack_results(*result_addresses(outputs))
    steps: list[Step] = []
    for kernel in of_rows:
        records = (pack_edges(*by_rows), *packed, pack_gradients(*g))
        steps.append(Step(kernel, destination.runs, records))
        if destination.pieces is not None:
            steps.append(Step(kernel, destination.pieces.long_rows, records))
    passes = [_Pass(of_destinations, destination, by_rows, packed, g, grads, ("q",))]
    if by_source:
        of_sources = [compiled(kernels.backward_source)]
        passes.insert(0, _Pass(of_sources, source, by_columns, packed, g, grads, ("k", "v")))
    run_steps(*steps, *(step for each in passes for step in each.steps))
    for each in passes:
        each.merge(grads)
    _sum_tasks(grads, p.scale)
    if score is not None and needs["bias"]:
        grads["bias"] = in_callers_order(score, edges.edge_ids)
    return tuple(
        grads[name].to(tensor.dtype) if needs[name] and tensor is not None else None
        for name, tensor in zip(inputs._fields, inputs, strict=True)
    )


def _room_for_gradients(
    inputs: Inputs, needs: dict[str, bool], number: torch.dtype, leaky: bool, source: Plan
) -> dict[str, Tensor]:
    """Memory for the gradients of the inputs, by name; that of the vector has a row for each task of `source`."""
    grads = {
        name: ask_for_huge_pages(torch.empty_like(tensor, dtype=number))
        for name, tensor in zip(inputs._fields, inputs, strict=True)
        if tensor is not None and needs[name] and name not in ("key_proj", "value_proj")
    }
    if needs["vector"] or (needs["k"] and leaky):  # that score computes the gradients of vector and keys together
        assert inputs.vector is not None
        grads["vector"] = torch.empty((source.num_tasks, *inputs.vector.shape), dtype=number, device="cpu")
        if leaky and not needs["k"]:
            assert inputs.k is not None
            grads["k"] = torch.empty(inputs.k.shape, dtype=number, device="cpu")
    return grads


def _sum_tasks(grads: dict[str, Tensor], scale: float) -> None:
    """Add up the gradients of which each task has left a part, and give them the layout of the inputs."""
    for name in ("key_proj", "outer_key", "outer_value", "vector"):
        if name in grads:
            grads[name] = _sum_rows(grads[name])
    if "outer_key" in grads:
        grads["key_proj"] = grads["outer_key"].transpose(0, 1).contiguous() * scale
    if "outer_value" in grads:
        grads["value_proj"] = grads["outer_value"].transpose(0, 1).contiguous()


class _Pass:
    """Kernels over the edges in one order; the gradients `of_rows`, which they compute row by row, may be in pieces."""

    def __init__(
        self, run: Sequence[Callable[..., Any]], plan: Plan, edges: Edges, inputs: tuple[bytes, bytes], g: Gradients,
        grads: dict[str, Tensor], of_rows: tuple[str, ...],
    ) -> None:  # fmt: skip
        whole = (pack_edges(*edges), *inputs, pack_gradients(*g))
        self.steps = [Step(kernel, plan.runs, whole) for kernel in run]
        self.pieces = plan.pieces
        if plan.pieces is None:
            return
        count = plan.num_pieces
        self.parts = {name: grads[name].new_empty((count, *grads[name].shape[1:])) for name in of_rows if name in grads}
        partial = g._replace(**{name: address(part) for name, part in self.parts.items()})
        of_pieces = (pack_edges(*edges_of_pieces(edges, plan.pieces)), *inputs, pack_gradients(*partial))
        self.steps += [Step(kernel, plan.pieces.runs, of_pieces, len(plan.runs)) for kernel in run]

    def merge(self, grads: dict[str, Tensor]) -> None:
        """Add up the gradients of the pieces of each long row."""
        if self.pieces is None:
            return
        for row, first, last in self.pieces.of_row:
            for name, part in self.parts.items():
                grads[name][row] = _sum_rows(part[first:last])


def _sum_rows(parts: Tensor) -> Tensor:
    """The sum over the first axis, in float64 and, unlike PyTorch's, the same whatever the number of threads."""
    return torch.from_numpy(parts.numpy().sum(0, dtype=np.float64)).to(parts.dtype)
