"""Registers the CPU kernels: with the fused operator, and for making compressed forms of lists of edges."""

from __future__ import annotations

from graphattn.graph import native
<<<<<<< HEAD
from graphattn.ops.numba.attend_backward import backward
from graphattn.ops.numba.attend_forward import forward
from graphattn.ops.numba.lists import NATIVE
from graphattn.ops.operator import Kernels, implement
=======
from graphattn.ops.edge_order import in_callers_order
from graphattn.ops.huge_pages import ask_for_huge_pages
from graphattn.ops.numba import backward as kernels
from graphattn.ops.numba.edge_features import backward_features, feature_terms
from graphattn.ops.numba.forward import forward as forward_kernel
from graphattn.ops.numba.jit import Kernel
from graphattn.ops.numba.kernel_arguments import (
    BIAS_ALONE,
    GRADIENTS,
    LEAKY,
    LEAKY_EDGES,
    NORMALIZERS,
    RESULTS,
    TASKS,
    Edges,
    Gradients,
    Problem,
    Results,
    pack_edges,
    pack_gradients,
    pack_problem,
    pack_results,
)
from graphattn.ops.numba.lists import NATIVE
from graphattn.ops.numba.record import Kind
from graphattn.ops.numba.row_tasks import Pieces, Plan, plan_rows
from graphattn.ops.numba.threads import Step, run_steps
from graphattn.ops.operator import (
    INPUTS,
    Kernels,
    empty_outputs,
    implement,
    split_backward_inputs,
    split_inputs,
)
from graphattn.ops.precision import wide_dtype
from graphattn.ops.random import drop_threshold

LEAN_ABOVE = 2**30  # bytes of one number for each edge and head; beyond, the backward pass keeps none and computes anew

_PER_HEAD = 16  # numbers of a row that could be read while the exponential and the like of a head are reckoned

# What lies behind an address, by dtype; Numba has no halves, so integers of their size stand for them.
_TYPES: dict[torch.dtype, types.Type] = {
    torch.float32: types.float32,
    torch.float64: types.float64,
    torch.float16: types.int16,
    torch.bfloat16: types.uint16,
    torch.int32: types.int32,
    torch.int64: types.int64,
}


def _address(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()  # which is 0 where there are no numbers


def _contiguous(tensors: Sequence[Tensor | None]) -> list[Any]:
    return [None if tensor is None else tensor.contiguous() for tensor in tensors]


_PROJECTIONS = ("key_proj", "key_proj_turned", "outer_key", "outer_key_turned", "outer_value", "outer_value_turned")


def _projections(tensors: Sequence[Any], options: Sequence[Any]) -> dict[str, Tensor | None]:
    """The matrices of edge features as the kernels read them, by name; they must live as long as those run."""
    *_, key, value, _ = tensors
    found: dict[str, Tensor | None] = dict.fromkeys(_PROJECTIONS)
    if key is not None and options[0] == "dot":
        key = key * options[3]
        found |= {"outer_key": key.transpose(0, 1).contiguous(), "outer_key_turned": key.movedim(0, 2).contiguous()}
    elif key is not None:
        found |= {"key_proj": key, "key_proj_turned": key.movedim(0, 2).contiguous()}
    if value is not None:
        turned = value.movedim(0, 2).contiguous()
        found |= {"outer_value": value.transpose(0, 1).contiguous(), "outer_value_turned": turned}
    return found


class _Variant(NamedTuple):
    """What kernels are compiled anew for."""

    score: str
    queries: torch.dtype
    keys: torch.dtype
    values: torch.dtype


@cache  # for to compare the types of Numba takes as long as a kernel on a small graph
def _code(kernel: Kernel, index: torch.dtype, variant: _Variant) -> Callable[..., Any]:
    """The machine code of a kernel."""
    score, queries, keys, values = variant
    dtypes = {"queries": queries, "keys": keys, "values": values, "number": wide_dtype(values)}
    problem = Kind(Problem, score=score, **{name: _TYPES[dtype] for name, dtype in dtypes.items()})
    outputs = (RESULTS,) if kernel is forward_kernel else (RESULTS, GRADIENTS)
    return kernel.of(TASKS, Kind(Edges, index=_TYPES[index]), problem, *outputs)


def _problem(
    tensors: Sequence[Any], projections: dict[str, Tensor | None], options: Sequence[Any]
) -> tuple[_Variant, Problem]:
    q, k, v, bias, edge_key, edge_value, edge_attr, attr_query, _, _, vector = tensors
    score, normalize, heads, scale, negative_slope, dropout, seed, attr_value, _ = options
    assert attr_query is None and not attr_value  # edge features are projected here
    if score == LEAKY and (edge_key is not None or projections["key_proj"] is not None):
        score = LEAKY_EDGES
    number = wide_dtype(v.dtype)
    variant = _Variant(score, number if q is None else q.dtype, number if k is None else k.dtype, v.dtype)
    _, key_heads, value_width = v.shape
    numbers = (
        NORMALIZERS[normalize],
        *map(_address, (q, k, v, bias, edge_key, edge_value, edge_attr, vector)),
        *map(_address, projections.values()),
        heads,
        key_heads,
        heads // key_heads,
        0 if q is None else q.shape[2] if q.ndim == 3 else 1,
        value_width,
        0 if edge_attr is None else edge_attr.shape[1],
        0 if seed is None else int(seed),
        drop_threshold(dropout),
        1 / (1 - dropout),
        scale,
        negative_slope,
    )
    return variant, Problem._make(numbers)


def _edges(
    indptr: Tensor, indices: Tensor, ids: Tensor | None, places: Tensor | None = None, by_source: bool = False
) -> Edges:
    return Edges(
        starts=indptr.data_ptr(),
        stops=indptr.data_ptr() + indptr.element_size(),
        others=_address(indices),
        places=_address(places),
        ids=_address(ids),
        rows=0,
        by_source=by_source,
    )


def _ids_if_needed(edge_ids: Tensor | None, tensors: Sequence[Any], options: Sequence[Any]) -> Tensor | None:
    """The caller's edge at each place, where a tensor has something for each edge: to look it up costs a cache miss."""
    return edge_ids if options[-1] or any(tensor is not None for tensor in tensors[3:7]) else None


def _of_pieces(edges: Edges, pieces: Pieces) -> Edges:
    """The same edges, with the pieces of long rows for rows."""
    return edges._replace(starts=pieces.starts.data_ptr(), stops=pieces.stops.data_ptr(), rows=pieces.rows.data_ptr())


def forward(*inputs: Any) -> tuple[Tensor, ...]:
    """Inputs and outputs as `graphattn.ops.operator` describes them."""
    tensors, edge_tensors, options = split_inputs(inputs)
    tensors, (indptr, indices, edge_ids) = _contiguous(tensors), _contiguous(edge_tensors[:3])
    projections = _projections(tensors, options)
    variant, problem = _problem(tensors, projections, options)
    outputs = [*map(ask_for_huge_pages, empty_outputs(tensors[2], tensors[6], indptr, indices, options))]
    edges = _edges(indptr, indices, _ids_if_needed(edge_ids, tensors, options))
    kernel = _code(forward_kernel, indptr.dtype, variant)
    record, results = pack_problem(*problem), _results(outputs)
    plan = plan_rows(indptr, indices.numel(), problem.heads * (problem.width + problem.value_width + _PER_HEAD))
    whole_rows = Step(kernel, plan.runs, (pack_edges(*edges), record, pack_results(*results)))
    if plan.pieces is None:
        run_steps(whole_rows)
        return tuple(outputs)
    count = plan.num_pieces
    parts = [output.new_empty((count if output.numel() else 0, *output.shape[1:])) for output in outputs[:4]]
    of_parts = pack_edges(*_of_pieces(edges, plan.pieces)), record, pack_results(*_results([*parts, outputs[4]]))
    run_steps(whole_rows, Step(kernel, plan.pieces.runs, of_parts))
    _merge(plan.pieces, parts, outputs, edge_ids)
    return tuple(outputs)


def _results(outputs: Sequence[Tensor]) -> Results:
    """The addresses of the outputs, without those of `attr_out`, which is never asked for here."""
    out, _, *others = map(_address, outputs)
    return Results(out, *others)


def _merge(pieces: Pieces, parts: Sequence[Tensor], outputs: Sequence[Tensor], edge_ids: Tensor | None) -> None:
    """Put the results of the pieces of long rows together, in float64.

    A softmax over all pieces gives each the share exp(lse_piece − lse); other normalizers are sums.
    """
    out, _, lse, rest = (part.double() for part in parts)
    for row, first, last in pieces.of_row:
        shares = torch.ones(last - first, out.shape[1], dtype=torch.float64, device="cpu")
        if lse.numel():
            each = lse[first:last] + rest[first:last]
            total = each.logsumexp(0)
            shares = (each - total).exp().masked_fill(total == -torch.inf, 0)
            outputs[2][row] = total
            outputs[3][row] = (total - outputs[2][row].double()).masked_fill(total == -torch.inf, 0)
            if outputs[4].numel():
                _rescale(outputs[4], pieces, range(first, last), shares, edge_ids)
        outputs[0][row] = (shares.unsqueeze(-1) * out[first:last]).sum(0)


def _rescale(weights: Tensor, pieces: Pieces, of_row: range, shares: Tensor, edge_ids: Tensor | None) -> None:
    """Multiply the weights that were normalized within each piece of a row by the share of the piece."""
    for piece, share in zip(of_row, shares, strict=True):
        places = torch.arange(int(pieces.starts[piece]), int(pieces.stops[piece]), device="cpu")
        weights[places if edge_ids is None else edge_ids[places].long()] *= share.to(weights.dtype)


def backward(*inputs: Any) -> tuple[Tensor, ...]:
    """Gradients of the tensors of `INPUTS`; of length zero where `needs` does not ask.

    The pass by source leaves the gradient of each score for the pass by destination. Where those are too many, or no
    gradient but that of queries is asked for, the pass by destination computes them anew (not those that edge features
    take part in).
    """
    incoming, outputs, inputs_of_forward = split_backward_inputs(inputs)
    tensors, edge_tensors, options = split_inputs(inputs_of_forward)
    incoming, outputs, tensors = _contiguous(incoming), _contiguous(outputs), _contiguous(tensors)
    indptr, indices, edge_ids, csc_indptr, csc_indices, places = _contiguous(edge_tensors)
    needs, projections = dict(zip(INPUTS, inputs[-1], strict=True)), _projections(tensors, options)
    (variant, p), E, number = _problem(tensors, projections, options), indices.numel(), outputs[0].dtype

    features = p.outer_key != 0 or p.outer_value != 0
    plain = _Variant(BIAS_ALONE, number, number, number)  # one kernel for all scores
    by_destination = needs["q"]
    by_source = features or any(needed for name, needed in needs.items() if name != "q")
    too_many = not (needs["bias"] or features) and E * p.heads * outputs[0].element_size() > LEAN_ABOVE
    lean = by_destination and (too_many or not by_source)
    source = plan_rows(csc_indptr, E, 2 * p.heads * (p.width + p.value_width + _PER_HEAD))
    destination = plan_rows(indptr, E, p.heads * (p.width + _PER_HEAD) * (4 if lean else 1))

    named = dict(zip(INPUTS, tensors, strict=True))
    grads = {
        name: ask_for_huge_pages(torch.empty(tensor.shape, dtype=number, device="cpu"))
        for name, tensor in named.items()
        if needs[name] and name not in ("key_proj", "value_proj")
    }
    leaky = options[0] == LEAKY
    if needs["vector"] or (needs["k"] and leaky):  # which that score finds along with the gradient of the keys,
        grads["vector"] = torch.empty((source.num_tasks, *named["vector"].shape), dtype=number, device="cpu")
        if leaky and not needs["k"]:  # and the other way round
            grads["k"] = torch.empty(named["k"].shape, dtype=number, device="cpu")
    for name, plan in (("key_proj", source), ("outer_key", destination), ("outer_value", destination)):
        matrix = projections[name]
        if matrix is not None and needs["value_proj" if name == "outer_value" else "key_proj"]:
            grads[name] = torch.empty((plan.num_tasks, *matrix.shape), dtype=number, device="cpu")
    keeps_score = needs["bias"] or p.outer_key != 0 or (by_destination and not lean)
    score, weight = (
        ask_for_huge_pages(torch.empty((E, p.heads), dtype=number, device="cpu")) if kept else None
        for kept in (keeps_score, p.outer_value != 0)
    )
    terms = torch.empty((4, *outputs[2].shape), dtype=number, device="cpu") if outputs[2].numel() else None
    names = ("grad_out", "grad_attr_out", "grad_lse", "grad_weights")
    tensors_of = {**dict(zip(names, incoming, strict=True)), **grads}
    tensors_of |= {"row_terms": terms, "score": score, "weight": weight}
    g = Gradients(**{name: _address(tensors_of.get(name)) for name in Gradients._fields})
    r = _results(outputs)
    ids = _ids_if_needed(edge_ids, tensors, options)
    forth, back = _edges(indptr, indices, ids), _edges(csc_indptr, csc_indices, ids, places, by_source=True)

    def compiled(kernel: Kernel, variant: _Variant = variant) -> Callable[..., Any]:
        return _code(kernel, indptr.dtype, variant)

    of_rows = [] if terms is None else [compiled(kernels.row_terms)]
    of_destinations: list[Callable[..., Any]] = []
    if by_destination:
        of_destinations = [compiled(kernels.backward_destination_lean if lean else kernels.backward_destination)]
    if features:
        of_rows.append(compiled(feature_terms, plain))
        of_destinations.append(compiled(backward_features, plain))
    inputs_of_kernels = pack_problem(*p), pack_results(*r)
    steps: list[Step] = []
    for kernel in of_rows:
        arguments = (pack_edges(*forth), *inputs_of_kernels, pack_gradients(*g))
        steps.append(Step(kernel, destination.runs, arguments))
        if destination.pieces is not None:
            steps.append(Step(kernel, destination.pieces.long_rows, arguments))
    passes = [_Pass(of_destinations, destination, forth, inputs_of_kernels, g, grads, ("q",))]
    if by_source:
        of_sources = [compiled(kernels.backward_source)]
        passes.insert(0, _Pass(of_sources, source, back, inputs_of_kernels, g, grads, ("k", "v")))
    run_steps(*steps, *(step for each in passes for step in each.steps))
    for each in passes:
        each.merge(grads)
    for name in ("key_proj", "outer_key", "outer_value", "vector"):
        if name in grads:
            grads[name] = _sum_rows(grads[name])
    if "outer_key" in grads:
        grads["key_proj"] = grads["outer_key"].transpose(0, 1).contiguous() * p.scale
    if "outer_value" in grads:
        grads["value_proj"] = grads["outer_value"].transpose(0, 1).contiguous()
    if score is not None and needs["bias"]:
        grads["bias"] = in_callers_order(score, edge_ids)
    return tuple(
        grads[name].to(tensor.dtype) if needs[name] else outputs[0].new_empty(0) for name, tensor in named.items()
    )


class _Pass:
    """Kernels over the edges in one order; the gradients `of_rows`, which they find for rows, are added over pieces."""

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
        partial = g._replace(**{name: _address(part) for name, part in self.parts.items()})
        of_pieces = (pack_edges(*_of_pieces(edges, plan.pieces)), *inputs, pack_gradients(*partial))
        self.steps += [Step(kernel, plan.pieces.runs, of_pieces, len(plan.runs)) for kernel in run]

    def merge(self, grads: dict[str, Tensor]) -> None:
        """Add up what the pieces of each long row have given."""
        if self.pieces is None:
            return
        for row, first, last in self.pieces.of_row:
            for name, part in self.parts.items():
                grads[name][row] = _sum_rows(part[first:last])


def _sum_rows(parts: Tensor) -> Tensor:
    """The sum over the first axis, in float64 and, unlike PyTorch's, the same whatever the number of threads."""
    return torch.from_numpy(parts.numpy().sum(0, dtype=np.float64)).to(parts.dtype)

>>>>>>> h-backends

implement("cpu", Kernels(forward, backward))
native.use(NATIVE)
