"""`graphattn::attend` on the CPU: tensors handed to the compiled kernels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphattn.ops.convention import in_callers_order
from graphattn.ops.library import INPUTS, empty_outputs
from graphattn.ops.numba import backward as backward_kernels
from graphattn.ops.numba.forward import forward as forward_kernel
from graphattn.ops.numba.parallel import Pieces, plan_rows, run_tasks
from graphattn.ops.numba.problem import (
    NORMALIZERS,
    AdditiveLeaky,
    AdditiveTanh,
    BiasAlone,
    Dot,
    Edges,
    Gradients,
    Problem,
    Results,
    Sum,
)
from graphattn.ops.random import drop_threshold

LEAN_ABOVE = 2**30  # bytes of one number per edge and head, beyond which the backward pass keeps none

# What lies behind an address, by dtype; numba has no halves, so integers of their size stand for them.
_EXAMPLES = {
    torch.float32: np.float32(0),
    torch.float64: np.float64(0),
    torch.float16: np.int16(0),
    torch.bfloat16: np.uint16(0),
    torch.int32: np.int32(0),
    torch.int64: np.int64(0),
}


class _Sizes(NamedTuple):
    heads: int
    key_heads: int
    width: int
    value_width: int
    attr_width: int


def _address(tensor: Tensor | None) -> int:
    return 0 if tensor is None or tensor.numel() == 0 else tensor.data_ptr()


def _contiguous(tensors: Any) -> list[Any]:
    return [tensor.contiguous() if isinstance(tensor, Tensor) else tensor for tensor in tensors]


def _problem(tensors: list[Any], options: Any) -> Problem:
    q, k, v, *_, edge_attr, _, vector = tensors
    score, normalize, heads, scale, negative_slope, dropout, seed, _, _ = options
    number = _EXAMPLES[torch.float64 if v.dtype == torch.float64 else torch.float32]
    exact = type(number)
    kinds: dict[str, Any] = {
        "dot": lambda: Dot(exact(scale)),
        "sum": lambda: Sum(exact(scale), exact(negative_slope)),
        "leaky_relu": lambda: AdditiveLeaky(exact(scale), exact(negative_slope), _address(vector)),
        "tanh": lambda: AdditiveTanh(exact(scale), _address(vector)),
        "none": lambda: BiasAlone(exact(scale)),
    }
    return Problem(
        kinds[score](), NORMALIZERS[normalize], *map(_address, tensors[:-1]),
        heads, v.shape[1], heads // v.shape[1], 0 if q is None else q.shape[2] if q.ndim == 3 else 1, v.shape[2],
        0 if edge_attr is None else edge_attr.shape[1],
        np.uint64(0 if seed is None else int(seed)), np.uint64(drop_threshold(dropout)), exact(1 / (1 - dropout)),
        number if q is None else _EXAMPLES[q.dtype], _EXAMPLES[v.dtype], number,
    )  # fmt: skip


def _has_edge_tensors(tensors: list[Any], options: Any) -> bool:
    """Whether it matters which of the caller's edges an edge is, which costs a look at a random place to find out."""
    return any(tensor is not None for tensor in tensors[3:7]) or options[-1]


def _edges(indptr: Tensor, indices: Tensor, places: Tensor | None, ids: Tensor | None) -> Edges:
    starts = indptr.data_ptr()
    return Edges(
        starts, starts + indptr.element_size(), _address(indices), _address(places), _address(ids), 0,
        _EXAMPLES[indptr.dtype],
    )  # fmt: skip


def _of_pieces(edges: Edges, pieces: Pieces) -> Edges:
    """The same edges, with the pieces of long rows for rows."""
    return edges._replace(starts=pieces.starts.data_ptr(), stops=pieces.stops.data_ptr(), rows=pieces.rows.data_ptr())


def forward(*inputs: Any) -> tuple[Tensor, ...]:
    """Outputs as `graphattn.ops.library` describes them."""
    tensors, graph, options = _contiguous(inputs[:9]), inputs[9:15], inputs[15:]
    indptr, indices, edge_ids = _contiguous(graph[:3])
    problem = _problem(tensors, options)
    outputs = empty_outputs(tensors[2], tensors[6], indptr, indices, options)
    edges = _edges(indptr, indices, None, edge_ids if _has_edge_tensors(tensors, options) else None)
    results = Results(*map(_address, outputs))
    plan = plan_rows(indptr, indices.numel(), problem.heads * (problem.width + problem.value_width))
    tasks = [(start, stop, 0, edges, problem, results) for start, stop in plan.runs]
    if plan.pieces is None:
        run_tasks(forward_kernel, tasks)
        return tuple(outputs)
    count = plan.pieces.rows.numel()
    parts = [output.new_empty((count, *output.shape[1:])) for output in outputs[:4]]
    partial = Results(*(_address(part) for part in parts), results.weights)
    of_pieces = _of_pieces(edges, plan.pieces)
    run_tasks(forward_kernel, [(t, t + 1, 0, of_pieces, problem, partial) for t in range(count)] + tasks)
    _merge(plan.pieces, parts, outputs, edge_ids)
    return tuple(outputs)


def _merge(pieces: Pieces, parts: list[Tensor], outputs: list[Tensor], edge_ids: Tensor | None) -> None:
    """Put the results of the pieces of long rows together, in float64."""
    out, attr_out, lse, rest = (part.double() for part in parts)
    softmax = outputs[2].numel() > 0
    for row, first, last in pieces.of_row:
        shares = torch.ones(last - first, out.shape[1], dtype=torch.float64)
        if softmax:
            each = lse[first:last] + rest[first:last]
            total = each.logsumexp(0)
            shares = (each - total).exp().nan_to_num(0) if bool((total == -torch.inf).any()) else (each - total).exp()
            outputs[2][row] = total
            outputs[3][row] = (total - outputs[2][row].double()).nan_to_num(0)
        for part, output in ((out, outputs[0]), (attr_out, outputs[1])):
            if output.numel():
                output[row] = (shares.unsqueeze(-1) * part[first:last]).sum(0)
        if softmax and outputs[4].numel():
            for piece in range(first, last):
                places = slice(int(pieces.starts[piece]), int(pieces.stops[piece]))
                ids = torch.arange(places.start, places.stop) if edge_ids is None else edge_ids[places].long()
                outputs[4][ids] *= shares[piece - first].to(outputs[4].dtype)


def backward(*inputs: Any) -> tuple[Tensor, ...]:
    """Gradients of the tensors of `INPUTS`; of length zero where `needs` does not ask.

    The pass by source leaves the gradient of each score for the pass by destination. Where those are too many, or no
    gradient but that of queries is asked for, the pass by destination computes them anew.
    """
    incoming, outputs, tensors = _contiguous(inputs[:4]), inputs[4:9], _contiguous(inputs[9:18])
    graph, options, needs = _contiguous(inputs[18:24]), inputs[24:33], dict(zip(INPUTS, inputs[33], strict=True))
    indptr, indices, edge_ids, csc_indptr, csc_indices, places = graph
    problem, E = _problem(tensors, options), indices.numel()
    number = outputs[0].dtype
    softmax = options[1] == "softmax"
    by_destination, by_source = (
        needs["q"] or needs["attr_query"],
        any(needed for name, needed in needs.items() if name not in ("q", "attr_query")),
    )
    lean = by_destination and (
        not by_source or (not needs["bias"] and E * problem.heads * outputs[0].element_size() > LEAN_ABOVE)
    )
    source = plan_rows(csc_indptr, E, 2 * problem.heads * (problem.width + problem.value_width))
    destination = plan_rows(indptr, E, problem.heads * problem.width * (4 if lean else 1))

    grads: dict[str, Tensor] = {
        name: torch.empty(tensor.shape if needs[name] else 0, dtype=number)
        for name, tensor in zip(INPUTS, tensors, strict=True)
        if tensor is not None
    }
    if needs["vector"]:
        grads["vector"] = torch.empty((source.num_tasks, *tensors[8].shape), dtype=number)
    score = torch.empty((E, problem.heads) if needs["bias"] or (by_destination and not lean) else 0, dtype=number)
    row_terms = torch.empty((4, *outputs[2].shape) if softmax else 0, dtype=number)
    addresses = {name: _address(grads.get(name)) for name in INPUTS}
    del addresses["bias"]
    g = Gradients(*map(_address, incoming), row_terms=_address(row_terms), score=_address(score), **addresses)
    r = Results(*map(_address, outputs))
    ids = edge_ids if _has_edge_tensors(tensors, options) else None
    forth, back = _edges(indptr, indices, None, ids), _edges(csc_indptr, csc_indices, places, ids)
    if softmax:
        run_tasks(backward_kernels.row_terms, [(*rows, 0, forth, problem, r, g) for rows in _all_rows(destination)])
    if by_source:
        _run(backward_kernels.backward_source, source, back, problem, r, g, grads, ("k", "v"))
    if by_destination:
        kernel = backward_kernels.backward_destination_lean if lean else backward_kernels.backward_destination
        _run(kernel, destination, forth, problem, r, g, grads, ("q", "attr_query"))
    if needs["vector"]:
        grads["vector"] = torch.from_numpy(grads["vector"].numpy().sum(0, dtype=np.float64))
    if needs["bias"]:
        grads["bias"] = in_callers_order(score, edge_ids)
    empty = outputs[0].new_empty(0)
    return tuple(
        grads[name].to(tensor.dtype) if needs[name] else empty for name, tensor in zip(INPUTS, tensors, strict=True)
    )


def _all_rows(plan: Any) -> list[tuple[int, int]]:
    return plan.runs + ([(row, row + 1) for row, _, _ in plan.pieces.of_row] if plan.pieces else [])


def _run(
    kernel: Any, plan: Any, edges: Edges, problem: Problem, r: Results, g: Gradients, grads: dict[str, Tensor],
    added_up: tuple[str, ...],
) -> None:  # fmt: skip
    """Run a pass whose gradients `added_up` have one row for each row of the graph; pieces of rows are added."""
    tasks = [(start, stop, number, edges, problem, r, g) for number, (start, stop) in enumerate(plan.runs)]
    if plan.pieces is None:
        run_tasks(kernel, tasks)
        return
    count = plan.pieces.rows.numel()
    present = [name for name in added_up if name in grads and grads[name].numel()]
    parts = {name: grads[name].new_empty((count, *grads[name].shape[1:])) for name in present}
    partial = g._replace(**{name: _address(part) for name, part in parts.items()})
    of_pieces = _of_pieces(edges, plan.pieces)
    tasks = [(t, t + 1, len(tasks) + t, of_pieces, problem, r, partial) for t in range(count)] + tasks
    run_tasks(kernel, tasks)
    for row, first, last in plan.pieces.of_row:
        for name, part in parts.items():
            grads[name][row] = torch.from_numpy(part[first:last].numpy().sum(0, dtype=np.float64))


torch.library.impl("graphattn::attend", "CPU", forward)
torch.library.impl("graphattn::attend_backward", "CPU", backward)
